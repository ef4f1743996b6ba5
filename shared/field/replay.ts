/** Folding the log: the same fold as live, in version order, with what upkeep did in between. */
import { type FoldResult, foldUpdate, purgeTombstones } from './fold.ts';
import type { DeviceId } from './ids.ts';
import { type ChangeSet, emptyChangeSet } from './merge-update.ts';
import type { FieldState } from './state.ts';
import type { Update } from './update.ts';

/** What the log keeps of an update for the fold. */
export interface LoggedUpdate {
  readonly version: number;
  readonly device: DeviceId;
  /** Log time in ms. */
  readonly time: number;
  readonly update: Update;
  /** After this update, what particles removed up to that version had left behind was forgotten. */
  readonly sweptThrough?: number;
}

/** Folds the next entry of the log. @throws RangeError when it is not the next one. */
export function replayUpdate(
  state: FieldState,
  entry: LoggedUpdate,
  changes: ChangeSet = emptyChangeSet(),
): FoldResult {
  if (entry.version !== state.version + 1) {
    throw new RangeError(`version ${entry.version} does not follow ${state.version} in the log of ${state.field}`);
  }
  const result = foldUpdate(state, entry.device, entry.update, entry.time, changes);
  if (entry.sweptThrough !== undefined) purgeTombstones(state, entry.sweptThrough);
  return result;
}
