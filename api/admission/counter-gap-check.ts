/**
 * Refuses counters too far above a device's last: a counter of 2^53 would leave the device none to use. PostgreSQL is only
 * queried when a counter is too far above all that this process has accepted from the device.
 */
import { LRUCache } from 'lru-cache';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { FieldError } from '../../shared/errors.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';
import { maxCounterGap } from '../../shared/updates/clamp-timestamps.ts';

const maxDevices = 100_000;

export interface Batch {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly updates: readonly Update[];
}

export class CounterGapCheck {
  readonly #reader: Pick<FieldReader, 'readLastCounter'>;
  readonly #lastAccepted = new LRUCache<string, number>({ max: maxDevices });

  constructor(reader: Pick<FieldReader, 'readLastCounter'>) {
    this.#reader = reader;
  }

  /** @throws FieldError `counter_too_far`, or `database_unavailable` when the last counter cannot be read */
  async assertNoGap(batch: Batch): Promise<void> {
    const known = this.#lastAccepted.get(toKey(batch)) ?? 0;
    if (findGap(batch.updates, known) === -1) return;
    const last = Math.max(known, await this.#readLast(batch));
    const gapIndex = findGap(batch.updates, last);
    if (gapIndex === -1) return;
    throw new FieldError('counter_too_far', {
      detail: `The device's last counter is ${last}`,
      errors: [{ path: `/updates/${gapIndex}/counter`, message: `is more than ${maxCounterGap} above the last` }],
    });
  }

  recordAccepted(batch: Batch): void {
    const key = toKey(batch);
    const highest = batch.updates.at(-1)?.counter ?? 0;
    this.#lastAccepted.set(key, Math.max(highest, this.#lastAccepted.get(key) ?? 0));
  }

  async #readLast({ field, device }: Batch): Promise<number> {
    try {
      return await this.#reader.readLastCounter(field, device);
    } catch (cause) {
      throw new FieldError('database_unavailable', {
        detail: "The device's last counter cannot be read, so that this counter cannot be checked",
        retryAfterSeconds: 2,
        cause,
      });
    }
  }
}

/** The index of the first counter too far above the device's last; -1 for none. */
function findGap(updates: readonly Update[], last: number): number {
  return updates.findIndex(({ counter }) => counter > last + maxCounterGap);
}

function toKey({ field, device }: Batch): string {
  return `${field} ${device}`;
}
