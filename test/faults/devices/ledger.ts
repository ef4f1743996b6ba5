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
  readonly #byName = new Map<string, LedgerEntry>();
  readonly #newest = new Map<FieldId, number>();
  /** Requests beyond the first for a batch: retries, and batches sent twice on purpose. */
  repeats = 0;
  /** Answers by status code. */
  readonly statuses = new Map<number, number>();
  /** What no device should ever be told. */
  readonly complaints: string[] = [];

  add(entry: LedgerEntry): void {
    this.entries.push(entry);
    this.#byName.set(nameOf(entry.device, entry.update.counter), entry);
    this.#newest.set(entry.field, Math.max(this.newestTimestamp(entry.field), entry.update.timestamp));
  }

  find(device: string, counter: number): LedgerEntry | undefined {
    return this.#byName.get(nameOf(device, counter));
  }

  /** The largest timestamp that any device has used in a field. */
  newestTimestamp(field: FieldId): number {
    return this.#newest.get(field) ?? 0;
  }

  noteAccepted(device: DeviceId, updates: readonly Update[], durability: string): void {
    for (const { counter } of updates) {
      const entry = this.find(device, counter);
      if (!entry || entry.acceptedAt !== undefined) continue;
      entry.acceptedAt = performance.now();
      entry.durability = durability;
    }
  }

  noteSeen(device: string, counter: number): void {
    const entry = this.find(device, counter);
    if (entry && entry.seenAt === undefined) entry.seenAt = performance.now();
  }

  noteStatus(status: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
  }

  of(field: FieldId): LedgerEntry[] {
    return this.entries.filter((entry) => entry.field === field);
  }
}

function nameOf(device: string, counter: number): string {
  return `${device} ${counter}`;
}
