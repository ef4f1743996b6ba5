/**
 * Everything that devices have sent, and what they were told of it: the harness's own truth, kept apart from the system's.
 */
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { Update } from '../../../shared/field/update.ts';

export interface LedgerEntry {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly update: Update;
  /** By this process's clock (performance.now). */
  readonly writtenAt: number;
  acceptedAt?: number;
  durability?: string;
  /** When a watcher first saw it in a delta. */
  seenAt?: number;
}

export class Ledger {
  readonly entries: LedgerEntry[] = [];
  readonly #byKey = new Map<string, LedgerEntry>();
  readonly #newestTimestamps = new Map<FieldId, number>();
  /** Requests beyond the first for a batch: retries, and batches sent twice on purpose. */
  resends = 0;
  /** Answers by status code. */
  readonly statuses = new Map<number, number>();
  /** What no device should ever be told. */
  readonly anomalies: string[] = [];

  add(entry: LedgerEntry): void {
    this.entries.push(entry);
    this.#byKey.set(entryKey(entry.device, entry.update.counter), entry);
    this.#newestTimestamps.set(entry.field, Math.max(this.newestTimestamp(entry.field), entry.update.timestamp));
  }

  find(device: string, counter: number): LedgerEntry | undefined {
    return this.#byKey.get(entryKey(device, counter));
  }

  /** The largest timestamp that any device has used in a field. */
  newestTimestamp(field: FieldId): number {
    return this.#newestTimestamps.get(field) ?? 0;
  }

  recordAccepted(device: DeviceId, updates: readonly Update[], durability: string): void {
    for (const { counter } of updates) {
      const entry = this.find(device, counter);
      if (!entry || entry.acceptedAt !== undefined) continue;
      entry.acceptedAt = performance.now();
      entry.durability = durability;
    }
  }

  recordSeen(device: string, counter: number): void {
    const entry = this.find(device, counter);
    if (entry && entry.seenAt === undefined) entry.seenAt = performance.now();
  }

  recordStatus(status: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
  }

  entriesOf(field: FieldId): LedgerEntry[] {
    return this.entries.filter((entry) => entry.field === field);
  }
}

function entryKey(device: string, counter: number): string {
  return `${device} ${counter}`;
}
