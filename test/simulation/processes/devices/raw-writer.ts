/**
 * A device without a client, whose jobs come straight from the queue, as those of an operator do. It follows no rule but one:
 * if a server has lost something, it sends again whatever it has sent. Its claims about what it has seen are often wrong.
 */
import { maxUpdatesPerRequest } from '../../../../shared/contract/wire.ts';
import { type Cursor, formatCursor } from '../../../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../../shared/field/update.ts';
import { getPartition } from '../../../../shared/queue/partitions.ts';
import type { Change } from '../../../unit/field/support/changes.ts';
import type { Random } from '../../../unit/field/support/seeded-random.ts';
import type { Environment } from '../environment.ts';
import type { Ledger } from './ledger.ts';

export class RawWriter {
  readonly device: DeviceId;
  readonly field: FieldId;
  readonly #environment: Environment;
  readonly #ledger: Ledger;
  /** What was first sent under each counter. */
  readonly #sent = new Map<number, SentUpdate>();
  #counter = 0;

  constructor(device: DeviceId, field: FieldId, environment: Environment, ledger: Ledger) {
    this.device = device;
    this.field = field;
    this.#environment = environment;
    this.#ledger = ledger;
  }

  /** Sends changes under new counters, of which some are left out. */
  write(changes: readonly Change[], random: Random): void {
    const updates = changes.map((change) => {
      this.#counter += random.chance(0.1) ? 2 : 1;
      return this.#number(change, this.#counter, random);
    });
    this.#add(updates);
  }

  /** Sends some of the earlier updates again. */
  repeat(random: Random): void {
    const sent = [...this.#sent.values()].filter(() => random.chance(0.4));
    if (sent.length > 0) this.#add(sent);
  }

  /** Sends a change under a counter that it has used for another one. */
  reuse(change: Change, random: Random): void {
    const counters = [...this.#sent.keys()];
    if (counters.length > 0) this.#add([this.#number(change, random.pick(counters), random)]);
  }

  repeatAll(): void {
    if (this.#sent.size > 0) this.#add([...this.#sent.values()]);
  }

  #number(change: Change, counter: number, random: Random): SentUpdate {
    const timestamp = random.chance(0.3) ? 1 + random.below(1000) : this.#environment.time.now - random.below(5000);
    const update = {
      ...change,
      counter,
      timestamp: Math.floor(timestamp),
      seen: this.#claimSeen(random),
    } as SentUpdate;
    if (!this.#sent.has(counter)) this.#sent.set(counter, update);
    this.#ledger.rawUpdates.push({ field: this.field, device: this.device, update });
    return update;
  }

  #claimSeen(random: Random): number | Cursor {
    const row = this.#environment.postgres.readRow(this.field);
    const version = row?.version ?? 0;
    const claimed = random.below(version + 1);
    if (random.chance(0.4)) return 0;
    if (random.chance(0.3)) return claimed + random.below(3);
    const hash = row?.entries[claimed - 1]?.hash ?? '';
    return random.chance(0.2) ? formatCursor(claimed, 'f'.repeat(16)) : formatCursor(claimed, hash.padEnd(16, '0'));
  }

  /** In jobs of the size that an API accepts. */
  #add(updates: readonly SentUpdate[]): void {
    const { queue, time } = this.#environment;
    const { field, device } = this;
    for (let start = 0; start < updates.length; start += maxUpdatesPerRequest) {
      queue.add(getPartition(field, queue.readCounts().active), {
        field,
        device,
        updates: updates.slice(start, start + maxUpdatesPerRequest),
        acceptedAt: Math.floor(time.now),
      });
    }
  }
}
