/**
 * Folds an update into a state: merges the registers, then updates the dynamics. Replay and live application both call it.
 *
 * The caller guarantees that each update is folded once, in the order of versions, and that log times never decrease.
 */

import type { DeviceId } from './ids.ts';
import { type ChangeSet, type ConflictRecorder, mergeUpdate } from './merge-update.ts';
import {
  type Conflict,
  combineResolutions,
  type Resolution,
  recordCellConflict,
  recordParticleConflict,
} from './registers/conflict-record.ts';
import type { FieldState } from './state.ts';
import type { Update } from './update.ts';

/** The possible results of folding an update. The log stores it, so a new outcome needs a migration of its CHECK. */
export const foldOutcomes = ['applied', 'superseded', 'conflict'] as const;
export type FoldOutcome = (typeof foldOutcomes)[number];

export interface FoldResult {
  readonly version: number;
  readonly outcome: FoldOutcome;
  /** Present exactly if the outcome is `conflict`. */
  readonly resolution?: Resolution;
  readonly conflicts: readonly Conflict[];
}

const recorder: ConflictRecorder = { recordCell: recordCellConflict, recordParticle: recordParticleConflict };

/**
 * Applies one update, which is assigned the next version of the state.
 * @param time log time in ms; never decreases
 * @param changes extended by the changes of the update
 */
export function foldUpdate(
  state: FieldState,
  device: DeviceId,
  update: Update,
  time: number,
  changes: ChangeSet,
): FoldResult {
  const { results, conflicts } = mergeUpdate(state, device, update, time, changes, recorder);
  const { version } = state;
  const resolution = combineResolutions(conflicts);
  if (resolution) return { version, outcome: 'conflict', resolution, conflicts };
  const isSuperseded = results.length > 0 && results.every((result) => result === 'superseded');
  return { version, outcome: isSuperseded ? 'superseded' : 'applied', conflicts };
}

/**
 * Deletes the tombstones of removals up to a version whose log has been pruned. A replay purges after the same version as
 * the live field did, so that both treat late writes alike.
 */
export function purgeTombstones(state: FieldState, through: number): void {
  for (const [id, { exists }] of state.tombstones) {
    if (!exists || exists.stamp.version > through) continue;
    state.tombstones.delete(id);
    state.tombstoneIndex?.delete(id);
  }
  state.dynamics = { ...state.dynamics, sweptThrough: Math.max(state.dynamics.sweptThrough, through) };
}
