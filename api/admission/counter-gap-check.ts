/** Refuses requests whose counters are too far above the last counter of their device. */
import type { FieldReader } from '../../db/read/field-reader.ts';
import { maxCounterGap } from '../../shared/contract/wire.ts';
import { FieldError } from '../../shared/errors.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import { CounterGapDetector, type CounterOwner } from '../../shared/updates/counter-gap.ts';

export interface Batch extends CounterOwner {
  readonly updates: readonly SentUpdate[];
}

export class CounterGapCheck {
  readonly #detector: CounterGapDetector;

  constructor(reader: Pick<FieldReader, 'readLastCounter'>) {
    this.#detector = new CounterGapDetector(({ field, device }) => reader.readLastCounter(field, device));
  }

  /** @throws FieldError `counter_too_far`, or `database_unavailable` if the last counter cannot be read */
  async assertNoGap(batch: Batch): Promise<void> {
    const gap = await this.#findGap(batch);
    if (!gap) return;
    throw new FieldError('counter_too_far', {
      detail: `The device's last counter is ${gap.last}`,
      errors: [{ path: `/updates/${gap.index}/counter`, message: `is more than ${maxCounterGap} above the last` }],
    });
  }

  recordAccepted(batch: Batch): void {
    this.#detector.recordAccepted(batch, batch.updates.at(-1)?.counter ?? 0);
  }

  async #findGap(batch: Batch) {
    try {
      return await this.#detector.find(
        batch,
        batch.updates.map(({ counter }) => counter),
      );
    } catch (cause) {
      throw new FieldError('database_unavailable', {
        detail: "The device's last counter cannot be read, so that this counter cannot be checked",
        retryAfterSeconds: 2,
        cause,
      });
    }
  }
}
