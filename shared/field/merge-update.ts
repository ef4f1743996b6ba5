/**
 * An update merged into a state: its registers, and then the dynamics that they move. What became of it, and the conflicts
 * that it met, are the fold's to tell.
 */

import { applyEvent, isPortalStable } from './dynamics/events.ts';
import { moveQuantumFields, sumParticles } from './dynamics/quantum-field.ts';
import type { DeviceId } from './ids.ts';
import type { Write } from './registers/causality.ts';
import type { Conflict, cellConflict, particleConflict } from './registers/conflict-record.ts';
import { createParticle, type Particle, putAttributes, removeAttributes, shownParticle } from './registers/particle.ts';
import { mergeRegister, type Verdict } from './registers/register.ts';
import { compareStamps } from './registers/stamp.ts';
import type { FieldState } from './state.ts';
import type { CellsSet, ParticlePut, ParticleRemove, Update } from './update.ts';

const maxParticles = 1000;
const particlesAfterEviction = 800;
/** Bounds what removing can cost; a writer later than 5,000 removals finds the particle gone without a trace. */
const maxRemoved = 5000;

/** What an update has touched, collected over a batch: what a delta has to say. */
export interface Touched {
  readonly particles: Set<string>;
  readonly cells: Set<string>;
  quantumFields: boolean;
}

export function nothingTouched(): Touched {
  return { particles: new Set(), cells: new Set(), quantumFields: false };
}

/** How conflicts are written down; a client that only shows its own edits has no use for that. */
export interface ConflictRecorder {
  readonly ofCell: typeof cellConflict;
  readonly ofParticle: typeof particleConflict;
}

export interface Merges {
  readonly verdicts: readonly Verdict[];
  readonly conflicts: readonly Conflict[];
}

/**
 * Merges one update, which gets the state's next version, and moves the dynamics.
 * @param time log time in ms; never goes back
 * @param touched collects what changed
 */
export function mergeUpdate(
  state: FieldState,
  device: DeviceId,
  update: Update,
  time: number,
  touched: Touched,
  recorder?: ConflictRecorder,
): Merges {
  state.version += 1;
  state.time = Math.max(state.time, time);
  const { counter, timestamp, seen, clock } = update;
  const write: Write = { device, counter, timestamp, seen, clock, version: state.version };
  switch (update.kind) {
    case 'cells.set':
      return setCells(state, update, write, touched, recorder);
    case 'particle.put':
    case 'particle.remove': {
      const merges = writeParticle(state, update, write, touched, recorder);
      evictParticles(state, touched);
      moveFields(state, touched);
      return merges;
    }
    case 'event':
      applyEvent(state, update);
      touched.quantumFields = true;
      return { verdicts: [], conflicts: [] };
  }
}

function setCells(
  state: FieldState,
  { cells }: CellsSet,
  write: Write,
  touched: Touched,
  recorder: ConflictRecorder | undefined,
): Merges {
  const conflicts: Conflict[] = [];
  const verdicts = cells.map(({ x, y, value }) => {
    const cell = `${x},${y}`;
    const before = state.cells.get(cell);
    const { register, verdict } = mergeRegister(before, value, write, (a, b) => a === b);
    state.cells.set(cell, register);
    touched.cells.add(cell);
    if (recorder && before && (verdict === 'won' || verdict === 'lost')) {
      conflicts.push(recorder.ofCell(cell, before, value, write, verdict === 'won', state.time));
    }
    return verdict;
  });
  return { verdicts, conflicts };
}

function writeParticle(
  state: FieldState,
  update: ParticlePut | ParticleRemove,
  write: Write,
  touched: Touched,
  recorder: ConflictRecorder | undefined,
): Merges {
  const { id } = update;
  const particle = state.particles.get(id) ?? state.removed.get(id) ?? createParticle(id);
  const isRemoval = update.kind === 'particle.remove';
  const verdicts = isRemoval ? removeAttributes(particle, write) : putAttributes(particle, update, write);
  placeParticle(state, particle);
  touched.particles.add(id);
  const conflict = recorder?.ofParticle(particle, verdicts, write, isRemoval, state.time);
  return { verdicts: verdicts.map(({ verdict }) => verdict), conflicts: conflict ? [conflict] : [] };
}

/** Moves a particle to where it belongs now: among those that exist, or among the removed. */
function placeParticle(state: FieldState, particle: Particle): void {
  const { id } = particle;
  if (particle.exists?.value) {
    state.removed.delete(id);
    if (state.particles.has(id)) return;
    particle.created = state.version;
    state.particles.set(id, particle);
    return;
  }
  state.particles.delete(id);
  if (state.removed.has(id)) return;
  state.removed.set(id, particle);
  if (state.removed.size > maxRemoved) forgetFirst(state.removed);
}

function forgetFirst(particles: Map<string, Particle>): void {
  for (const id of particles.keys()) {
    particles.delete(id);
    return;
  }
}

function evictParticles(state: FieldState, touched: Touched): void {
  if (state.particles.size <= maxParticles) return;
  const byNewest = [...state.particles.values()].sort(
    (a, b) => compareStamps(shownParticle(b).newest, shownParticle(a).newest) || (a.id < b.id ? -1 : 1),
  );
  for (const { id } of byNewest.slice(particlesAfterEviction)) {
    state.particles.delete(id);
    touched.particles.add(id);
  }
  state.dynamics = { ...state.dynamics, evictedAt: state.version };
}

function moveFields(state: FieldState, touched: Touched): void {
  const totals = sumParticles(state.particles.values());
  state.quantumFields = moveQuantumFields(state.quantumFields, totals);
  state.dynamics = { ...state.dynamics, room64Active: isPortalStable(state.quantumFields) };
  touched.quantumFields = true;
}
