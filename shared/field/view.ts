/** The representation of a state that clients receive: derived particles, and the changes between two versions. */

import type { Metrics } from './dynamics/field-metrics.ts';
import type { QuantumField } from './dynamics/quantum-field.ts';
import type { DeviceId } from './ids.ts';
import { type DerivedAttributes, getDerivedParticle, type Particle } from './registers/particle.ts';
import type { Vector } from './update.ts';

export interface ParticleView {
  readonly id: string;
  readonly position: Vector;
  readonly velocity: Vector;
  readonly resonance: number;
  readonly crystallized: boolean;
  readonly content?: string;
  readonly connections: readonly string[];
  /** Timestamp and device of the newest stamp among its registers. */
  readonly timestamp: number;
  readonly device: DeviceId;
}

/** The changes from one version to another; `null` for a particle that was removed or evicted, and for an erased cell. */
export interface Changes {
  readonly particles: Readonly<Record<string, ParticleView | null>>;
  readonly cells: Readonly<Record<string, number | null>>;
  readonly quantumFields?: readonly QuantumField[];
  /** Absent for watchers of a region who received it less than a second ago. */
  readonly metrics?: Metrics;
}

export function viewParticle(particle: Particle): ParticleView {
  const derived = getDerivedParticle(particle);
  return viewAttributes(particle.id, derived, derived.newest);
}

/** @param stamp the newest among the particle's registers */
export function viewAttributes(
  id: string,
  { position, velocity, resonance, crystallized, content, connections }: DerivedAttributes,
  { timestamp, device }: Pick<ParticleView, 'timestamp' | 'device'>,
): ParticleView {
  return {
    id,
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

// jsonb does not preserve the order of keys, so the keys of a stored vector are put into a fixed order.
function viewVector({ x, y, z }: Vector): Vector {
  return { x, y, z };
}

export function viewQuantumField(field: QuantumField): QuantumField {
  const { id, strength, coherence, entanglement, harmonics, sacredGeometry, portalStability, archaeologicalLayers } =
    field;
  return { id, strength, coherence, entanglement, harmonics, sacredGeometry, portalStability, archaeologicalLayers };
}
