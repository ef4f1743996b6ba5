/**
 * A state in pieces of JSON text: what the cache keeps, what a delta says, and what a whole state is put together from.
 * Each particle is encoded once, and the same text reaches the cache, the channel and the readers.
 */

import { computeMetrics, type Metrics } from '../field/dynamics/metrics.ts';
import type { QuantumField } from '../field/dynamics/quantum-field.ts';
import type { FieldId } from '../field/ids.ts';
import type { ChangeSet } from '../field/merge-update.ts';
import type { FieldState } from '../field/state.ts';
import { viewParticle, viewQuantumField } from '../field/view.ts';

export interface ParticleFragment {
  readonly id: string;
  /** Its place in the order of creation. */
  readonly order: number;
  /** Its view; undefined when it is gone. */
  readonly json: string | undefined;
}

export interface CellFragment {
  /** `"x,y"` */
  readonly cell: string;
  readonly json: string;
}

/** Everything but particles and cells. */
export interface StateHeader {
  readonly metrics: Metrics;
  readonly quantumFields: readonly QuantumField[];
  /** The last version that pushed particles out. */
  readonly evictedAt: number;
}

export interface StateFragments {
  readonly field: FieldId;
  readonly version: number;
  readonly header: StateHeader;
  readonly particles: readonly ParticleFragment[];
  readonly cells: readonly CellFragment[];
  /** Whether the quantum fields are among what was touched. */
  readonly quantumFieldsChanged: boolean;
}

/** The whole state, or only what was touched of it. */
export function toFragments(state: FieldState, changes?: ChangeSet): StateFragments {
  const particles = changes ? [...changes.particles] : [...state.particles.keys()];
  const cells = changes ? [...changes.cells] : [...state.cells.keys()];
  return {
    field: state.field,
    version: state.version,
    header: {
      metrics: computeMetrics(state),
      quantumFields: state.quantumFields.map(viewQuantumField),
      evictedAt: state.dynamics.evictedAt,
    },
    particles: particles.map((id) => toParticleFragment(state, id)),
    cells: cells.flatMap((cell) => {
      const register = state.cells.get(cell);
      return register ? [{ cell, json: JSON.stringify(register.value) }] : [];
    }),
    quantumFieldsChanged: changes?.quantumFields ?? true,
  };
}

function toParticleFragment(state: FieldState, id: string): ParticleFragment {
  const particle = state.particles.get(id);
  if (!particle) return { id, order: 0, json: undefined };
  return { id, order: particle.created, json: JSON.stringify(viewParticle(particle)) };
}
