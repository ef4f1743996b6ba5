/**
 * The harness's own record of all updates that devices have sent and of the responses to them, independent of the system.
 */
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';

export interface LedgerEntry {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly update: SentUpdate;
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
  /** Requests beyond the first for each batch: retries and deliberate duplicates. */
  resends = 0;
  /** Number of responses by status code; 0 stands for no response. */
  readonly statuses = new Map<number, number>();
  /**
   * Whether a fault of this round may lose the end of the log or of the queue, and with it what receipts have promised.
   * Devices then do what a client does all the time: they send again what has no result, and after `unknown-cursor`
   * everything they kept. In other rounds they must not, or they would repair what the system has lost.
   */
  mayLoseTail = false;
  /** Of these, updates that had a receipt. */
  resentAccepted = 0;
  /** Snapshots with the reason `unknown-cursor`. */
  unknownCursors = 0;
  /** When the last of them arrived. */
  lastUnknownCursorAt: number | undefined;
  /** Responses and messages that violate the contract. */
  readonly anomalies: string[] = [];

  add(entry: LedgerEntry): void {
    this.entries.push(entry);
    this.#byKey.set(entryKey(entry.device, entry.update.counter), entry);
  }

  find(device: string, counter: number): LedgerEntry | undefined {
    return this.#byKey.get(entryKey(device, counter));
  }

  recordAccepted(device: DeviceId, updates: readonly Pick<SentUpdate, 'counter'>[], durability: string): void {
    for (const { counter } of updates) {
      const entry = this.find(device, counter);
      if (!entry || entry.acceptedAt !== undefined) continue;
      entry.acceptedAt = performance.now();
      entry.durability = durability;
    }
  }

  recordUnknownCursor(): void {
    this.unknownCursors += 1;
    this.lastUnknownCursorAt = performance.now();
  }

  recordResentAccepted(count: number): void {
    this.resends += count;
    this.resentAccepted += count;
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
