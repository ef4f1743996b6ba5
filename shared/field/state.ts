/** The whole state of a field: registers, dynamics, and the version of the log up to which it was folded. */

import { type Cursor, emptyHash, formatCursor } from './cursor.ts';
import { ParticleColumns } from './dynamics/particle-columns.ts';
import { ParticleIndex } from './dynamics/particle-index.ts';
import { createPrimaryField, type QuantumField } from './dynamics/quantum-field.ts';
import type { FieldId } from './ids.ts';
import type { Particle } from './registers/particle.ts';
import type { Register } from './registers/register.ts';

/** A pure function of the log. Only the fold modifies it, in place. */
export interface FieldState {
  readonly field: FieldId;
  /** The number of updates that have been applied. */
  version: number;
  /** The hash of that version in the field's log, in hex; `emptyHash` in copies without a log. */
  hash: string;
  /** Log time of the last update, in ms. */
  time: number;
  /** Particles that exist, in order of creation. */
  readonly particles: Map<string, Particle>;
  /** Removed particles, in order of removal: their stamps decide concurrent writes that arrive later. */
  readonly tombstones: Map<string, Particle>;
  /** By `"x,y"`. */
  readonly cells: Map<string, Register<number>>;
  quantumFields: readonly QuantumField[];
  dynamics: Dynamics;
  /** An index of `particles` that the fold maintains once it is built. See `getParticleIndex`. */
  particleIndex: ParticleIndex | undefined;
  /** Likewise. See `getParticleColumns`. */
  particleColumns: ParticleColumns | undefined;
  /** The same for `tombstones`. See `getTombstoneIndex`. */
  tombstoneIndex: ParticleIndex | undefined;
}

/** Numbers that updates, evictions and purges accumulate. */
export interface Dynamics {
  /** The additions by events to metrics and entanglement, as of `boostedAt`. They halve every 60 s of log time. */
  readonly resonanceBoost: number;
  readonly intelligenceBoost: number;
  readonly entanglementBoost: number;
  readonly boostedAt: number;
  readonly room64Active: boolean;
  /** The number of harmony events. */
  readonly harmonies: number;
  /** Log time of the last bloom that a resonance event triggered; 0 for never. */
  readonly bloomedAt: number;
  /** The last version that evicted particles because there were too many or too large ones. */
  readonly evictedAt: number;
  /** Tombstones of removals up to this version have been purged. */
  readonly sweptThrough: number;
  /** The highest timestamp in ms that any register has ever had, including those evicted or purged since. */
  readonly maxTimestamp: number;
}

const initialDynamics: Dynamics = {
  resonanceBoost: 0,
  intelligenceBoost: 0,
  entanglementBoost: 0,
  boostedAt: 0,
  room64Active: false,
  harmonies: 0,
  bloomedAt: 0,
  evictedAt: 0,
  sweptThrough: 0,
  maxTimestamp: 0,
};

export function createFieldState(field: FieldId): FieldState {
  return {
    field,
    version: 0,
    hash: emptyHash,
    time: 0,
    particles: new Map(),
    tombstones: new Map(),
    cells: new Map(),
    quantumFields: [createPrimaryField()],
    dynamics: initialDynamics,
    particleIndex: undefined,
    particleColumns: undefined,
    tombstoneIndex: undefined,
  };
}

/** The index of a state's particles. Built when it is first needed, so that readers of a state do not pay for it. */
export function getParticleIndex(state: FieldState): ParticleIndex {
  state.particleIndex ??= new ParticleIndex(state.particles.values());
  return state.particleIndex;
}

/** The columns of a state's particles, which are built when they are first needed. */
export function getParticleColumns(state: FieldState): ParticleColumns {
  state.particleColumns ??= new ParticleColumns(state.particles.values());
  return state.particleColumns;
}

export function getTombstoneIndex(state: FieldState): ParticleIndex {
  state.tombstoneIndex ??= new ParticleIndex(state.tombstones.values());
  return state.tombstoneIndex;
}

export function cursorOf({ version, hash }: Pick<FieldState, 'version' | 'hash'>): Cursor {
  return formatCursor(version, hash);
}
