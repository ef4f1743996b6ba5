/** A field with a single device, for tests in which conflicts play no role. */
import { computeMetrics, type Metrics } from '../../../../shared/field/dynamics/field-metrics.ts';
import type { QuantumField } from '../../../../shared/field/dynamics/quantum-field.ts';
import { type FoldResult, foldUpdate } from '../../../../shared/field/fold.ts';
import { globalField } from '../../../../shared/field/ids.ts';
import { emptyChangeSet } from '../../../../shared/field/merge-update.ts';
import { createFieldState, type FieldState } from '../../../../shared/field/state.ts';
import { type ParticleView, viewParticle } from '../../../../shared/field/view.ts';
import { type Change, event, put, remove, sent, vector } from './changes.ts';

export interface SoloField {
  readonly state: FieldState;
  /** Applies changes in order, all at this log time; the default is the log time of the previous change. */
  apply(changes: Change | readonly Change[], time?: number): FoldResult | undefined;
  particle(id: string): ParticleView | undefined;
  readonly metrics: Metrics;
  readonly primary: QuantumField;
}

export const startTime = 1_700_000_000_000;

export function createSoloField(): SoloField {
  const state = createFieldState(globalField);
  return {
    state,
    apply(changes, time = Math.max(state.time, startTime)) {
      let folded: FoldResult | undefined;
      for (const change of [changes].flat()) {
        const counter = state.version + 1;
        const { device, update } = sent('solo', [counter, counter], change);
        folded = foldUpdate(state, device, update, time, emptyChangeSet());
      }
      return folded;
    },
    particle(id) {
      const particle = state.particles.get(id);
      return particle && viewParticle(particle);
    },
    get metrics() {
      return computeMetrics(state);
    },
    get primary() {
      const [primary] = state.quantumFields;
      if (!primary) throw new Error('there is no quantum field');
      return primary;
    },
  };
}

const atRest = vector(0);

/** Puts a particle with a velocity of 0, which adds nothing to the kinetic sum. */
export const stillParticle = (id: string, resonance: number) => put(id, { resonance, velocity: atRest });

/**
 * Creates a field in which the next particle update opens a portal: it has ten particles, a coherence of 0.91 and a
 * strength close to 1. The particles do not move and have a resonance of 0, so L is 0: each further step lowers coherence
 * by 0.02 and leaves strength unchanged.
 */
export function createCoherentField(): SoloField {
  const field = createSoloField();
  const ids = Array.from({ length: 10 }, (_, index) => `p${index}`);
  // Coherence falls to 0.3 - 10 · 0.02 = 0.1, and strength stays at 0.5.
  field.apply(ids.map((id) => stillParticle(id, 0)));
  // Coherence rises to 0.1 + 27 · 0.03 = 0.91, and strength to 1.
  field.apply(Array.from({ length: 27 }, () => event('crystallization')));
  return field;
}

/** Advances the quantum fields one step without changing any particle, because the removed one does not exist. */
export const idleStep = remove('nonexistent');
