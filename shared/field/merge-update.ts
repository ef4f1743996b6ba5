/**
 * Merges an update into a state: first its registers, then the dynamics that depend on them. The fold determines the outcome of the
 * update.
 */

import { computeEntanglement } from './dynamics/entanglement.ts';
import { applyEvent, isPortalStable } from './dynamics/events.ts';
import { evictParticles } from './dynamics/eviction.ts';
import { stepQuantumFields } from './dynamics/quantum-field.ts';
import type { DeviceId } from './ids.ts';
import type { Write } from './registers/causality.ts';
import type { Conflict, recordCellConflict, recordParticleConflict } from './registers/conflict-record.ts';
import {
  createParticle,
  findParticleStamp,
  type Particle,
  putAttributes,
  removeAttributes,
} from './registers/particle.ts';
import { mergeRegister, type WriteResult } from './registers/register.ts';
import { type FieldState, getParticleColumns, getParticleIndex, getTombstoneIndex } from './state.ts';
import type { CellsSet, ParticlePut, ParticleRemove, Update } from './update.ts';

/** Bounds the memory for tombstones. A write that is concurrent with a removal 5,000 removals ago recreates the particle. */
export const maxTombstones = 5000;
/**
 * Counted like the bytes of particles. A tombstone has values if a write won over the removal in some register but not in `exists`,
 * which happens only if a device violates the rule of timestamps.
 */
export const maxTombstoneBytes = 4 * 1024 * 1024;

/** Identifies the changes of a batch of updates, which a delta contains. */
export interface ChangeSet {
  readonly particles: Set<string>;
  readonly cells: Set<string>;
  quantumFields: boolean;
}

export function emptyChangeSet(): ChangeSet {
  return { particles: new Set(), cells: new Set(), quantumFields: false };
}

/** Records conflicts. Injected, so that clients, which do not need conflicts of their own edits, do not bundle it. */
export interface ConflictRecorder {
  readonly recordCell: typeof recordCellConflict;
  readonly recordParticle: typeof recordParticleConflict;
}

export interface MergeResult {
  readonly results: readonly WriteResult[];
  readonly conflicts: readonly Conflict[];
}

/**
 * Merges one update, which is assigned the next version of the state.
 * @param time log time in ms; never decreases
 * @param changes extended by the changes of the update
 * @param recorder without it, no conflicts are recorded
 */
export function mergeUpdate(
  state: FieldState,
  device: DeviceId,
  update: Update,
  time: number,
  changes: ChangeSet,
  recorder?: ConflictRecorder,
): MergeResult {
  state.version += 1;
  state.time = Math.max(state.time, time);
  const { counter, timestamp, seen, clock } = update;
  const write: Write = { device, counter, timestamp, seen, clock, version: state.version };
  switch (update.kind) {
    case 'cells.set':
      return setCells(state, update, write, changes, recorder);
    case 'particle.put':
    case 'particle.remove': {
      const result = writeParticle(state, update, write, changes, recorder);
      for (const id of evictParticles(state)) changes.particles.add(id);
      updateQuantumFields(state, changes);
      return result;
    }
    case 'event':
      applyEvent(state, update);
      changes.quantumFields = true;
      return { results: [], conflicts: [] };
  }
}

function setCells(
  state: FieldState,
  { cells }: CellsSet,
  write: Write,
  changes: ChangeSet,
  recorder: ConflictRecorder | undefined,
): MergeResult {
  const conflicts: Conflict[] = [];
  let newest = 0;
  const results = cells.map(({ x, y, value }) => {
    const cell = `${x},${y}`;
    const before = state.cells.get(cell);
    const { register, result } = mergeRegister(before, value, write, (a, b) => a === b);
    state.cells.set(cell, register);
    newest = Math.max(newest, register.stamp.timestamp);
    changes.cells.add(cell);
    if (recorder && before && (result === 'won' || result === 'lost')) {
      conflicts.push(recorder.recordCell(cell, before, value, write, result === 'won', state.time));
    }
    return result;
  });
  recordTimestamp(state, newest);
  return { results, conflicts };
}

function writeParticle(
  state: FieldState,
  update: ParticlePut | ParticleRemove,
  write: Write,
  changes: ChangeSet,
  recorder: ConflictRecorder | undefined,
): MergeResult {
  const { id } = update;
  const particle = state.particles.get(id) ?? state.tombstones.get(id) ?? createParticle(id);
  const isRemoval = update.kind === 'particle.remove';
  const results = isRemoval ? removeAttributes(particle, write) : putAttributes(particle, update, write);
  placeParticle(state, particle);
  recordTimestamp(state, findParticleStamp(particle).timestamp);
  changes.particles.add(id);
  const conflict = recorder?.recordParticle(particle, results, write, isRemoval, state.time);
  return { results: results.map(({ result }) => result), conflicts: conflict ? [conflict] : [] };
}

/** Moves a particle to the existing ones or to the tombstones, according to its `exists` register, and updates the indexes. */
function placeParticle(state: FieldState, particle: Particle): void {
  const { id } = particle;
  if (particle.exists?.value) {
    getParticleIndex(state).set(particle);
    getTombstoneIndex(state).delete(id);
    state.tombstones.delete(id);
    if (!state.particles.has(id)) {
      particle.created = state.version;
      state.particles.set(id, particle);
    }
    getParticleColumns(state).set(particle);
    return;
  }
  getParticleIndex(state).delete(id);
  getParticleColumns(state).delete(id);
  getTombstoneIndex(state).set(particle);
  state.particles.delete(id);
  if (!state.tombstones.has(id)) state.tombstones.set(id, particle);
  deleteOldTombstones(state);
}

function deleteOldTombstones(state: FieldState): void {
  const index = getTombstoneIndex(state);
  for (const id of state.tombstones.keys()) {
    if (state.tombstones.size <= maxTombstones && index.bytes <= maxTombstoneBytes) return;
    state.tombstones.delete(id);
    index.delete(id);
  }
}

/** Advances the quantum fields by one step, as each update of a particle does. */
export function updateQuantumFields(state: FieldState, changes: ChangeSet): void {
  state.quantumFields = stepQuantumFields(state.quantumFields, getParticleColumns(state), computeEntanglement(state));
  const room64Active = isPortalStable(state.quantumFields);
  if (room64Active !== state.dynamics.room64Active) state.dynamics = { ...state.dynamics, room64Active };
  changes.quantumFields = true;
}

/** @param timestamp of a register that was written or kept */
function recordTimestamp(state: FieldState, timestamp: number): void {
  if (timestamp > state.dynamics.maxTimestamp) state.dynamics = { ...state.dynamics, maxTimestamp: timestamp };
}
