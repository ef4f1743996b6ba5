/**
 * A state in pieces of JSON text: what the cache keeps, what a delta says, and what a whole state is put together from.
 * Each particle is encoded once, and the same text reaches the cache, the channel and the readers.
 */

import { type Metrics, metricsOf } from '../field/dynamics/metrics.ts';
import type { QuantumField } from '../field/dynamics/quantum-field.ts';
import type { FieldId } from '../field/ids.ts';
import type { Touched } from '../field/merge-update.ts';
import type { FieldState } from '../field/state.ts';
import { viewParticle, viewQuantumField } from '../field/view.ts';

export interface ParticlePiece {
  readonly id: string;
  /** Its place in the order of creation. */
  readonly order: number;
  /** Its view; undefined when it is gone. */
  readonly json: string | undefined;
}

export interface CellPiece {
  /** `"x,y"` */
  readonly cell: string;
  readonly json: string;
}

/** Everything but particles and cells. */
export interface Head {
  readonly metrics: Metrics;
  readonly quantumFields: readonly QuantumField[];
  /** The last version that pushed particles out. */
  readonly evictedAt: number;
}

export interface StatePieces {
  readonly field: FieldId;
  readonly version: number;
  readonly head: Head;
  readonly particles: readonly ParticlePiece[];
  readonly cells: readonly CellPiece[];
  /** Whether the quantum fields are among what was touched. */
  readonly fieldsMoved: boolean;
}

/** The whole state, or only what was touched of it. */
export function cutState(state: FieldState, touched?: Touched): StatePieces {
  const particles = touched ? [...touched.particles] : [...state.particles.keys()];
  const cells = touched ? [...touched.cells] : [...state.cells.keys()];
  return {
    field: state.field,
    version: state.version,
    head: {
      metrics: metricsOf(state),
      quantumFields: state.quantumFields.map(viewQuantumField),
      evictedAt: state.dynamics.evictedAt,
    },
    particles: particles.map((id) => cutParticle(state, id)),
    cells: cells.flatMap((cell) => {
      const register = state.cells.get(cell);
      return register ? [{ cell, json: JSON.stringify(register.value) }] : [];
    }),
    fieldsMoved: touched?.quantumFields ?? true,
  };
}

function cutParticle(state: FieldState, id: string): ParticlePiece {
  const particle = state.particles.get(id);
  if (!particle) return { id, order: 0, json: undefined };
  return { id, order: particle.created, json: JSON.stringify(viewParticle(particle)) };
}
