/** Replays the log: folds its entries in the order of versions and repeats the purges of tombstones between them. */
import { type FoldResult, foldUpdate, purgeTombstones } from './fold.ts';
import type { DeviceId } from './ids.ts';
import { type ChangeSet, emptyChangeSet } from './merge-update.ts';
import type { FieldState } from './state.ts';
import type { Update } from './update.ts';

/** An entry of the log, as far as the fold needs it. */
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

/** Folds the next entry of the log. @throws RangeError if a version is missing before it */
export function replayUpdate(
  state: FieldState,
  entry: LoggedUpdate,
  changes: ChangeSet = emptyChangeSet(),
): FoldResult {
  if (entry.version !== state.version + 1) {
    throw new RangeError(`version ${entry.version} does not follow ${state.version} in the log of ${state.field}`);
  }
  const result = foldUpdate(state, entry.device, entry.update, entry.time, changes);
  state.hash = entry.hash;
  if (entry.sweptThrough !== undefined) purgeTombstones(state, entry.sweptThrough);
  return result;
}
