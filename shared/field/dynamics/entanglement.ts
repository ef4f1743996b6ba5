/**
 * Entanglement: the share of particles that take part in a connection which both of its particles declare, plus a boost by events.
 * It is computed at each update of a particle and at each event, so the decay of the boost becomes visible only then.
 */

import { clampUnit } from '../math/clamp.ts';
import { type FieldState, getParticleIndex } from '../state.ts';
import { computeBoosts } from './boosts.ts';

/** The entanglement of every quantum field at the log time of the state. */
export function computeEntanglement(state: FieldState): number {
  return clampUnit(computeConnectedShare(state) + computeBoosts(state.dynamics, state.time).entanglement);
}

/** The share of particles with a mutual connection; 0 while there are no particles. */
export function computeConnectedShare(state: FieldState): number {
  const count = state.particles.size;
  return count === 0 ? 0 : getParticleIndex(state).connected / count;
}
