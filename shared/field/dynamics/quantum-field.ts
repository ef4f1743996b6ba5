/** The quantum fields, and how an update of a particle changes them. */
import { clampFinite, clampUnit } from '../math/clamp.ts';
import { sine } from '../math/sine.ts';
import { type DerivedParticle, getDerivedParticle, type Particle } from '../registers/particle.ts';

export interface QuantumField {
  readonly id: string;
  readonly strength: number;
  readonly coherence: number;
  readonly entanglement: number;
  readonly harmonics: readonly number[];
  readonly sacredGeometry: boolean;
  readonly portalStability: number;
  readonly archaeologicalLayers: number;
}

const primaryFieldId = 'primary-field';
const defaultHarmonics: readonly number[] = [1, 1.618, 2.414];
const harmonicParticles = 7;

export function createPrimaryField(): QuantumField {
  return {
    id: primaryFieldId,
    strength: 0.5,
    coherence: 0.3,
    entanglement: 0,
    harmonics: defaultHarmonics,
    sacredGeometry: false,
    portalStability: 0,
    archaeologicalLayers: 1,
  };
}

/** The sums over all particles, in order of creation, that the dynamics and the metrics are computed from. */
export interface ParticleTotals {
  readonly count: number;
  /** Σ r */
  readonly resonance: number;
  /** Σ ½|v|²r */
  readonly kinetic: number;
  /** The first crystallized particles, one for each harmonic of the primary field. */
  readonly crystallized: readonly DerivedParticle[];
}

/** Computes all sums in one pass: it visits up to a thousand particles for every update of a particle. */
export function sumParticles(particles: Iterable<Particle>): ParticleTotals {
  const crystallized: DerivedParticle[] = [];
  let count = 0;
  let resonance = 0;
  let kinetic = 0;
  for (const particle of particles) {
    const derived = particle.derived ?? getDerivedParticle(particle);
    count += 1;
    resonance += derived.resonance;
    kinetic += derived.kinetic;
    if (derived.crystallized && crystallized.length < harmonicParticles) crystallized.push(derived);
  }
  return { count, resonance, kinetic: clampFinite(kinetic), crystallized };
}

/** One step of every quantum field after a particle update: `L = Σ ½|v|²r − strength · sin(h₀ or 1) · Σ r`. */
export function stepQuantumFields(
  fields: readonly QuantumField[],
  totals: ParticleTotals,
  entanglement: number,
): QuantumField[] {
  return fields.map((field) => {
    // A harmonic of 0 counts as missing: its sine would cancel the potential term.
    const phase = sine(field.harmonics[0] || 1);
    const lagrangian = totals.kinetic - field.strength * phase * totals.resonance;
    const strength = clampUnit(field.strength + 0.01 * lagrangian);
    const coherence = clampUnit(field.coherence + (lagrangian > 0 ? 0.05 : -0.02));
    const sacredGeometry = coherence > 0.8 && totals.count > 7;
    const portalStability = sacredGeometry ? Math.min(1, (coherence * strength * totals.count) / 10) : 0;
    const harmonics = field.id === primaryFieldId ? computePrimaryHarmonics(totals.crystallized) : field.harmonics;
    return { ...field, strength, coherence, entanglement, sacredGeometry, portalStability, harmonics };
  });
}

function computePrimaryHarmonics(crystallized: readonly DerivedParticle[]): readonly number[] {
  if (crystallized.length === 0) return defaultHarmonics;
  return crystallized.map(({ position: { x, y, z }, resonance }) =>
    clampFinite(Math.sqrt(x * x + y * y + z * z) * resonance),
  );
}
