/**
 * The fold of an update into a state: merge the registers, then move the dynamics.
 *
 * Who folds makes sure that each update comes once, in version order, and that log times do not go back; replay and
 * live application are this same function.
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

/** What the fold of an update can result in. The log stores it, so a new outcome needs a migration of its CHECK. */
export const foldOutcomes = ['applied', 'superseded', 'conflict'] as const;
export type FoldOutcome = (typeof foldOutcomes)[number];

export interface FoldResult {
  readonly version: number;
  readonly outcome: FoldOutcome;
  /** Present if and only if the outcome is `conflict`. */
  readonly resolution?: Resolution;
  readonly conflicts: readonly Conflict[];
}

const recorder: ConflictRecorder = { recordCell: recordCellConflict, recordParticle: recordParticleConflict };

/**
 * Applies one update, which gets the state's next version.
 * @param time log time in ms; never goes back
 * @param changes collects what changed
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
 * Forgets what removed particles left behind, up to a version whose log is gone. Done live when the log is pruned, and
 * in a replay right after the version at which it was done live: so both see the same late writers.
 */
export function purgeTombstones(state: FieldState, through: number): void {
  for (const [id, { exists }] of state.tombstones) {
    if (exists && exists.stamp.version <= through) state.tombstones.delete(id);
  }
  state.dynamics = { ...state.dynamics, sweptThrough: Math.max(state.dynamics.sweptThrough, through) };
}
