/** The whole state of a field: registers, dynamics, and the version of the log up to which it was folded. */

import { createPrimaryField, type QuantumField } from './dynamics/quantum-field.ts';
import type { FieldId } from './ids.ts';
import type { Particle } from './registers/particle.ts';
import type { Register } from './registers/register.ts';

/** A pure function of the log. Only the fold modifies it, in place. */
export interface FieldState {
  readonly field: FieldId;
  /** The number of updates that have been applied. */
  version: number;
  /** Log time of the last update, in ms. */
  time: number;
  /** Particles that exist, in order of creation. */
  readonly particles: Map<string, Particle>;
  /** Removed particles, in order of removal: their stamps decide about concurrent writes that arrive later. */
  readonly tombstones: Map<string, Particle>;
  /** By `"x,y"`. */
  readonly cells: Map<string, Register<number>>;
  quantumFields: readonly QuantumField[];
  dynamics: Dynamics;
}

/** Numbers that events, evictions and purges accumulate. */
export interface Dynamics {
  /** What events have added to the metrics, as of `boostedAt`. Decays with a half-life of 60 s of log time. */
  readonly resonanceBoost: number;
  readonly intelligenceBoost: number;
  readonly boostedAt: number;
  readonly room64Active: boolean;
  /** The number of harmony events. */
  readonly harmonies: number;
  /** Log time of the last bloom that a resonance event triggered; 0 for never. */
  readonly bloomedAt: number;
  /** The last version that evicted particles because there were too many. */
  readonly evictedAt: number;
  /** Tombstones of removals up to this version have been purged. */
  readonly sweptThrough: number;
}

const initialDynamics: Dynamics = {
  resonanceBoost: 0,
  intelligenceBoost: 0,
  boostedAt: 0,
  room64Active: false,
  harmonies: 0,
  bloomedAt: 0,
  evictedAt: 0,
  sweptThrough: 0,
};

export function createFieldState(field: FieldId): FieldState {
  return {
    field,
    version: 0,
    time: 0,
    particles: new Map(),
    tombstones: new Map(),
    cells: new Map(),
    quantumFields: [createPrimaryField()],
    dynamics: initialDynamics,
  };
}
