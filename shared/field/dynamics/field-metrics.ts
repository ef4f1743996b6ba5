/** The metrics of a field: pure functions of its state, as of its last update. */
import { clampUnit } from '../math/clamp.ts';
import { type FieldState, getParticleColumns } from '../state.ts';
import { computeBoosts } from './boosts.ts';

export interface Metrics {
  readonly globalResonance: number;
  readonly collectiveIntelligence: number;
  readonly room64Active: boolean;
  /** Log time of the last update, in ms. */
  readonly lastUpdate: number;
}

/** The metrics of a field without updates. */
export const initialMetrics: Metrics = {
  globalResonance: 0.5,
  collectiveIntelligence: 0.3,
  room64Active: false,
  lastUpdate: 0,
};

export function computeGlobalResonance(mean: number | undefined, boost: number): number {
  return clampUnit((mean ?? initialMetrics.globalResonance) + boost);
}

/** The mean of the derived resonances, or undefined while there are no particles. */
export function computeMeanResonance(state: FieldState): number | undefined {
  const { count, resonance } = getParticleColumns(state).computeTotals();
  return count === 0 ? undefined : resonance / count;
}

export function computeMetrics(state: FieldState): Metrics {
  const mean = computeMeanResonance(state);
  const boosts = computeBoosts(state.dynamics, state.time);
  const intelligence =
    mean === undefined ? initialMetrics.collectiveIntelligence : Math.min(1, (mean * state.particles.size) / 100);
  return {
    globalResonance: computeGlobalResonance(mean, boosts.resonance),
    collectiveIntelligence: clampUnit(intelligence + boosts.intelligence),
    room64Active: state.dynamics.room64Active,
    lastUpdate: state.time,
  };
}
