/**
 * A log that is being imported: checks that its entries continue each other (versions, hashes, log times), folds them, and
 * compares the results with the recorded outcomes. Independent of files and of the database.
 */
import type { LogHeader } from '../../shared/exchange/log-lines.ts';
import type { FoldResult } from '../../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import { replayUpdate } from '../../shared/field/replay.ts';
import { rulesVersion } from '../../shared/field/rules.ts';
import { decodeSnapshot, type StoredSnapshot } from '../../shared/field/snapshot.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import { chainHash } from '../../shared/history/entry-hash.ts';
import { hashContentOf, type StoredEntry } from '../models/update-row.ts';

/** Why a log cannot be imported. The message is a clause about the line with the problem. */
export class ImportRefused extends Error {
  override name = 'ImportRefused';
}

interface DeviceClock {
  counter: number;
  heardAt: number;
}

export class ImportedLog {
  readonly header: LogHeader;
  /** The state after the last entry, as long as `isFoldable`. */
  readonly state: FieldState;
  readonly clock = new Map<DeviceId, DeviceClock>();
  #position: { version: number; hash: string; time: number };
  #hasSnapshot: boolean;
  /** False between an entry without content and the erasure that follows it. */
  #isFoldable = true;
  /** False if a part of an entry is missing, so that outcomes may differ until the next erasure. */
  #isComplete = true;

  /** @param field the field that the log becomes */
  constructor(header: LogHeader, field: FieldId) {
    this.header = header;
    this.state = createFieldState(field);
    this.state.hash = header.oldestHash;
    this.#position = { version: header.oldest, hash: header.oldestHash, time: 0 };
    this.#hasSnapshot = header.oldest === 0;
  }

  get version(): number {
    return this.#position.version;
  }

  get isFoldable(): boolean {
    return this.#isFoldable;
  }

  /** The state at which the log begins. @throws ImportRefused */
  start(snapshot: Omit<StoredSnapshot, 'hash'>): void {
    if (this.#hasSnapshot || this.version !== this.header.oldest) throw new ImportRefused('is in the wrong place');
    if (snapshot.version !== this.header.oldest) throw new ImportRefused('is not of the version where the log begins');
    Object.assign(this.state, decodeSnapshot(this.state.field, { ...snapshot, hash: this.header.oldestHash }));
    this.#position.time = snapshot.time;
    this.#hasSnapshot = true;
  }

  /** @returns the conflicts of the entry. @throws ImportRefused */
  add(entry: StoredEntry): readonly Conflict[] {
    const { version, hash, time } = this.#position;
    if (!this.#hasSnapshot)
      throw new ImportRefused('follows no snapshot, although the log begins later than the field');
    if (entry.version !== version + 1) throw new ImportRefused(`has version ${entry.version}, after ${version}`);
    if (entry.time < time) throw new ImportRefused('has an earlier log time than the entry before');
    if (chainHash(hash, entry, hashContentOf(entry)) !== entry.hash) {
      throw new ImportRefused('does not match its hash: it, or the entry before it, was changed');
    }
    this.#position = { version: entry.version, hash: entry.hash, time: entry.time };
    if ('update' in entry) this.#hear(entry.device, entry.update.counter, entry.time);
    return this.#fold(entry);
  }

  /** The counters of deleted entries. */
  addUsed(device: DeviceId, ranges: readonly (readonly [number, number])[], heardAt: number): void {
    for (const [first, last] of ranges) {
      if (first > last) throw new ImportRefused('has a range that ends before it begins');
      this.#hear(device, last, heardAt);
    }
  }

  /** @throws ImportRefused if entries are missing, or have no state */
  end(end: { readonly end: number; readonly hash: string; readonly entries: number }): void {
    const { version, hash } = this.#position;
    if (end.end !== version || end.hash !== hash || end.entries !== version - this.header.oldest) {
      throw new ImportRefused('does not match the last entry');
    }
    if (version < this.header.version) throw new ImportRefused('comes before the version that the header names');
    if (version === 0) throw new ImportRefused('comes before any entry');
    if (!this.#isFoldable) throw new ImportRefused('comes before the erasure that must follow erased entries');
  }

  #hear(device: DeviceId, counter: number, time: number): void {
    const known = this.clock.get(device) ?? { counter: 0, heardAt: 0 };
    this.clock.set(device, {
      counter: Math.max(known.counter, counter),
      heardAt: Math.max(known.heardAt, time),
    });
  }

  #fold(entry: StoredEntry): readonly Conflict[] {
    const isErasure = 'erasure' in entry;
    if ('contentHash' in entry) this.#isComplete = false;
    if (!('update' in entry) && !isErasure) this.#isFoldable = false;
    if (isErasure) {
      if (entry.erasure.state.version !== entry.version) throw new ImportRefused('has a state of another version');
      // The erasure replaces the state, even one that could not be folded.
      this.state.version = entry.version - 1;
      this.#isFoldable = this.#isComplete = true;
    }
    if (!this.#isFoldable) return [];
    const folded = replayUpdate(this.state, entry);
    if ('update' in entry && this.#isComplete && entry.rules === rulesVersion) assertOutcome(entry, folded);
    return folded.conflicts;
  }
}

function assertOutcome(entry: StoredEntry, { outcome, resolution }: FoldResult): void {
  if (outcome === entry.outcome && resolution === entry.resolution) return;
  throw new ImportRefused(`was logged as ${entry.outcome}, and is ${outcome} when it is applied again`);
}
