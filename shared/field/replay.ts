/** Replays the log: folds its entries in the order of versions and repeats the purges of tombstones between them. */
import { type Erasure, restoreErasedState } from './erasure.ts';
import { type FoldResult, foldUpdate, purgeTombstones } from './fold.ts';
import type { DeviceId } from './ids.ts';
import { emptyChangeSet } from './merge-update.ts';
import type { FieldState } from './state.ts';
import type { Update } from './update.ts';

/** The part of a log entry that the fold needs. */
export interface LoggedUpdate {
  readonly version: number;
  readonly device: DeviceId;
  /** The hash of the entry, in hex. */
  readonly hash: string;
  /** Log time in ms. */
  readonly time: number;
  readonly update: Update;
  /** After this update, the tombstones of removals up to that version were purged. */
  readonly sweptThrough?: number;
}

/** An erasure in the log, with the whole remaining state. */
export interface LoggedErasure extends Omit<LoggedUpdate, 'device' | 'update'> {
  readonly erasure: Erasure;
}

/** The remains of an entry whose content was erased. It cannot be folded. */
export interface ErasedUpdate extends Omit<LoggedUpdate, 'device' | 'update'> {
  /** The hash of the content that it had, in hex. */
  readonly contentHash: string;
}

export class ErasedEntryError extends Error {
  override name = 'ErasedEntryError';
  constructor(field: string, version: number) {
    super(`version ${version} of ${field} was erased, so that the states from it up to the erasure cannot be rebuilt`);
  }
}

/**
 * Folds the next entry of the log. An erasure replaces any state by its own.
 * @throws RangeError if a version is missing before it
 * @throws ErasedEntryError if its content was erased
 */
export function replayUpdate(state: FieldState, entry: LoggedUpdate | LoggedErasure | ErasedUpdate): FoldResult {
  if (entry.version !== state.version + 1) {
    throw new RangeError(`version ${entry.version} does not follow ${state.version} in the log of ${state.field}`);
  }
  const result = replayContent(state, entry);
  state.hash = entry.hash;
  if (entry.sweptThrough !== undefined) purgeTombstones(state, entry.sweptThrough);
  return result;
}

function replayContent(state: FieldState, entry: LoggedUpdate | LoggedErasure | ErasedUpdate): FoldResult {
  if ('update' in entry) return foldUpdate(state, entry.device, entry.update, entry.time, emptyChangeSet());
  if (!('erasure' in entry)) throw new ErasedEntryError(state.field, entry.version);
  restoreErasedState(state, entry.erasure, entry.hash);
  return { version: state.version, outcome: 'applied', conflicts: [] };
}
