/**
 * A state as fragments of JSON text, from which cache entries, deltas and whole states are assembled. Each particle and
 * cell is encoded once; the same text goes to the cache, the channel and the subscribers.
 */

import type { Cursor } from '../field/cursor.ts';
import { computeMetrics, type Metrics } from '../field/dynamics/field-metrics.ts';
import type { QuantumField } from '../field/dynamics/quantum-field.ts';
import type { FieldId } from '../field/ids.ts';
import type { ChangeSet } from '../field/merge-update.ts';
import { cursorOf, type FieldState } from '../field/state.ts';
import { viewParticle, viewQuantumField } from '../field/view.ts';

export interface ParticleFragment {
  readonly id: string;
  /** The version that created the particle; particles are listed in this order. */
  readonly order: number;
  /** The particle as clients see it, in JSON; undefined when it no longer exists. */
  readonly json: string | undefined;
}

export interface CellFragment {
  /** The coordinates as `"x,y"`. */
  readonly cell: string;
  /** Undefined when it was erased. */
  readonly json: string | undefined;
}

/** All parts of a state except particles and cells. */
export interface StateHeader {
  readonly metrics: Metrics;
  /** The highest timestamp of any register that was ever written. */
  readonly maxTimestamp: number;
  readonly quantumFields: readonly QuantumField[];
  /** The last version at which particles were evicted because there were too many. */
  readonly evictedAt: number;
}

export interface StateFragments {
  readonly field: FieldId;
  readonly version: number;
  readonly cursor: Cursor;
  readonly header: StateHeader;
  readonly particles: readonly ParticleFragment[];
  readonly cells: readonly CellFragment[];
  /** Whether the quantum fields belong to the changes. */
  readonly quantumFieldsChanged: boolean;
}

/** Encodes the whole state, or only the given changes with their values in that state. */
export function toFragments(state: FieldState, changes?: ChangeSet): StateFragments {
  const particles = changes ? [...changes.particles] : [...state.particles.keys()];
  const cells = changes ? [...changes.cells] : [...state.cells.keys()];
  return {
    field: state.field,
    version: state.version,
    cursor: cursorOf(state),
    header: {
      metrics: computeMetrics(state),
      maxTimestamp: state.dynamics.maxTimestamp,
      quantumFields: state.quantumFields.map(viewQuantumField),
      evictedAt: state.dynamics.evictedAt,
    },
    particles: particles.map((id) => toParticleFragment(state, id)),
    cells: cells.map((cell) => {
      const register = state.cells.get(cell);
      return { cell, json: register && JSON.stringify(register.value) };
    }),
    quantumFieldsChanged: changes?.quantumFields ?? true,
  };
}

function toParticleFragment(state: FieldState, id: string): ParticleFragment {
  const particle = state.particles.get(id);
  if (!particle) return { id, order: 0, json: undefined };
  return { id, order: particle.created, json: JSON.stringify(viewParticle(particle)) };
}
