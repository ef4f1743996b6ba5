/** What clients see of a state: particles as shown, cells as values, and the change between two versions. */

import { computeMetrics, type Metrics } from './dynamics/metrics.ts';
import type { QuantumField } from './dynamics/quantum-field.ts';
import type { DeviceId } from './ids.ts';
import type { ChangeSet } from './merge-update.ts';
import { getDerivedParticle, type Particle } from './registers/particle.ts';
import type { FieldState } from './state.ts';
import type { Vector } from './update.ts';

export interface ParticleView {
  readonly id: string;
  readonly position: Vector;
  readonly velocity: Vector;
  readonly resonance: number;
  readonly crystallized: boolean;
  readonly content?: string;
  readonly connections: readonly string[];
  /** The newest of its stamps. */
  readonly timestamp: number;
  readonly device: DeviceId;
}

/** The change from one version to another; `null` for a particle that is gone. */
export interface Changes {
  readonly particles: Readonly<Record<string, ParticleView | null>>;
  readonly cells: Readonly<Record<string, number>>;
  readonly quantumFields?: readonly QuantumField[];
  readonly metrics: Metrics;
}

export function viewParticle(particle: Particle): ParticleView {
  const { position, velocity, resonance, crystallized, content, connections, newest } = getDerivedParticle(particle);
  const { timestamp, device } = newest;
  return {
    id: particle.id,
    position: viewVector(position),
    velocity: viewVector(velocity),
    resonance,
    crystallized,
    ...(content === undefined ? {} : { content }),
    connections,
    timestamp,
    device,
  };
}

// jsonb does not keep the order of keys, so a vector read back from it must be laid out again.
function viewVector({ x, y, z }: Vector): Vector {
  return { x, y, z };
}

export function viewQuantumField(field: QuantumField): QuantumField {
  const { id, strength, coherence, entanglement, harmonics, sacredGeometry, portalStability, archaeologicalLayers } =
    field;
  return { id, strength, coherence, entanglement, harmonics, sacredGeometry, portalStability, archaeologicalLayers };
}

/** What was touched, as it is now. */
export function viewChanges(state: FieldState, changes: ChangeSet): Changes {
  const particles = [...changes.particles].map((id) => {
    const particle = state.particles.get(id);
    return [id, particle ? viewParticle(particle) : null] as const;
  });
  const cells = [...changes.cells].flatMap((cell) => {
    const register = state.cells.get(cell);
    return register ? [[cell, register.value] as const] : [];
  });
  return {
    particles: Object.fromEntries(particles),
    cells: Object.fromEntries(cells),
    ...(changes.quantumFields ? { quantumFields: state.quantumFields.map(viewQuantumField) } : {}),
    metrics: computeMetrics(state),
  };
}
