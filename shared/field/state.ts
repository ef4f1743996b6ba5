/** The whole state of a field: registers, dynamics, and how far its log has been folded. */

import { createPrimaryField, type QuantumField } from './dynamics/quantum-field.ts';
import type { FieldId } from './ids.ts';
import type { Particle } from './registers/particle.ts';
import type { Register } from './registers/register.ts';

/**
 * Changed in place by `foldUpdate`, and by nothing else. Everything in it is a function of the log.
 */
export interface FieldState {
  readonly field: FieldId;
  /** How many updates it has applied. */
  version: number;
  /** Log time of the last update, in ms. */
  time: number;
  /** What existed, in order of creation. */
  readonly particles: Map<string, Particle>;
  /** Removed particles, kept for their stamps, against late writers; in order of removal. */
  readonly tombstones: Map<string, Particle>;
  /** By `"x,y"`. */
  readonly cells: Map<string, Register<number>>;
  quantumFields: readonly QuantumField[];
  dynamics: Dynamics;
}

/** The small numbers that events and upkeep leave behind. */
export interface Dynamics {
  /** What events have added to the metrics, as of `boostedAt`; halves every 60 s of log time. */
  readonly resonanceBoost: number;
  readonly intelligenceBoost: number;
  readonly boostedAt: number;
  readonly room64Active: boolean;
  /** How many harmony events there have been. */
  readonly harmonies: number;
  /** Log time of the last bloom that a resonance event brought about; 0 for never. */
  readonly bloomedAt: number;
  /** The last version that pushed particles out because there were too many. */
  readonly evictedAt: number;
  /** What was removed up to this version has been forgotten. */
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
