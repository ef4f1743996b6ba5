/**
 * The harness's own record of all updates that devices have sent and of the responses to them, independent of the system.
 */
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { Update } from '../../../shared/field/update.ts';

export interface LedgerEntry {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly update: Update;
  /** `performance.now()` of this process, like the other times. */
  readonly writtenAt: number;
  acceptedAt?: number;
  durability?: string;
  /** When a watcher first received it in a delta. */
  seenAt?: number;
}

export class Ledger {
  readonly entries: LedgerEntry[] = [];
  readonly #byKey = new Map<string, LedgerEntry>();
  readonly #newestTimestamps = new Map<FieldId, number>();
  /** Requests beyond the first for each batch: retries and deliberate duplicates. */
  resends = 0;
  /** Number of responses by status code; 0 stands for no response. */
  readonly statuses = new Map<number, number>();
  /** Responses and messages that violate the contract. */
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
