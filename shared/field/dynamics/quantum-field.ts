/** The quantum fields, and their step after each update of a particle. */
import { clampFinite, clampUnit } from '../math/clamp.ts';
import { sine } from '../math/sine.ts';
import type { ParticleColumns } from './particle-columns.ts';

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

/** One step of every quantum field after a particle update: `L = Σ ½|v|²r − strength · sin(h₀ or 1) · Σ r`. */
export function stepQuantumFields(
  fields: readonly QuantumField[],
  particles: ParticleColumns,
  entanglement: number,
): QuantumField[] {
  const totals = particles.computeTotals();
  return fields.map((field) => {
    // A harmonic of 0 counts as missing: its sine would cancel the potential term.
    const phase = sine(field.harmonics[0] || 1);
    const lagrangian = totals.kinetic - field.strength * phase * totals.resonance;
    const strength = clampUnit(field.strength + 0.01 * lagrangian);
    const coherence = clampUnit(field.coherence + (lagrangian > 0 ? 0.05 : -0.02));
    const sacredGeometry = coherence > 0.8 && totals.count > 7;
    const portalStability = sacredGeometry ? Math.min(1, (coherence * strength * totals.count) / 10) : 0;
    const harmonics = field.id === primaryFieldId ? computePrimaryHarmonics(particles) : field.harmonics;
    return { ...field, strength, coherence, entanglement, sacredGeometry, portalStability, harmonics };
  });
}

/** Of the first crystallized particles, one harmonic each. */
function computePrimaryHarmonics(particles: ParticleColumns): readonly number[] {
  const crystallized = particles.findCrystallized(harmonicParticles);
  if (crystallized.length === 0) return defaultHarmonics;
  return crystallized.map(({ position: { x, y, z }, resonance }) =>
    clampFinite(Math.sqrt(x * x + y * y + z * z) * resonance),
  );
}
