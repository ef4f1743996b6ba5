/** A field that one device writes to, for what does not depend on who writes. */

import { computeMetrics, type Metrics } from '../../../../shared/field/dynamics/metrics.ts';
import type { QuantumField } from '../../../../shared/field/dynamics/quantum-field.ts';
import { type FoldResult, foldUpdate } from '../../../../shared/field/fold.ts';
import { globalField } from '../../../../shared/field/ids.ts';
import { emptyChangeSet } from '../../../../shared/field/merge-update.ts';
import { createFieldState, type FieldState } from '../../../../shared/field/state.ts';
import { type ParticleView, viewParticle } from '../../../../shared/field/view.ts';
import { type Change, event, put, remove, sent, vector } from './changes.ts';

export interface SoloField {
  readonly state: FieldState;
  /** Applies changes in order, all at this log time or at that of the one before. */
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

const standing = vector(0);

/** A particle that does not move: it adds nothing to the kinetic sum. */
export const stillParticle = (id: string, resonance: number) => put(id, { resonance, velocity: standing });

/**
 * A field that is ready for a portal: ten particles that do not move, coherence 0.91, strength close to 1.
 * The particles have resonance 0, so L is 0: a step takes 0.02 of coherence and leaves strength as it is.
 */
export function createCoherentField(): SoloField {
  const field = createSoloField();
  const ids = Array.from({ length: 10 }, (_, index) => `p${index}`);
  field.apply(ids.map((id) => stillParticle(id, 0))); // coherence 0.3 - 10 · 0.02 = 0.1, strength 0.5
  field.apply(Array.from({ length: 27 }, () => event('crystallization'))); // 0.1 + 27 · 0.03 = 0.91, strength 1
  return field;
}

/** Moves the quantum fields one step without changing what they are moved by: this particle never was. */
export const idleStep = remove('nobody');
