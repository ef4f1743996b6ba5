/** Boosts: temporary additions by events to the metrics and the entanglement of a field. */

import { halvePower } from '../math/decay.ts';
import type { Dynamics, FieldState } from '../state.ts';

export interface Boosts {
  readonly resonance: number;
  readonly intelligence: number;
  readonly entanglement: number;
}

const halfLifeMs = 60_000;

/** The boosts at `time`: halved for every 60 s since they last changed. */
export function computeBoosts(dynamics: Dynamics, time: number): Boosts {
  const factor = halvePower(Math.max(0, time - dynamics.boostedAt) / halfLifeMs);
  return {
    resonance: dynamics.resonanceBoost * factor,
    intelligence: dynamics.intelligenceBoost * factor,
    entanglement: dynamics.entanglementBoost * factor,
  };
}

/** Adds to the boosts that remain at the log time of the state. */
export function addBoosts(state: FieldState, added: Partial<Boosts>): void {
  const { resonance, intelligence, entanglement } = computeBoosts(state.dynamics, state.time);
  setBoosts(state, {
    resonance: resonance + (added.resonance ?? 0),
    intelligence: intelligence + (added.intelligence ?? 0),
    entanglement: entanglement + (added.entanglement ?? 0),
  });
}

/** Multiplies the boosts that remain at the log time of the state. */
export function scaleBoosts(state: FieldState, factor: number): void {
  const { resonance, intelligence, entanglement } = computeBoosts(state.dynamics, state.time);
  setBoosts(state, {
    resonance: resonance * factor,
    intelligence: intelligence * factor,
    entanglement: entanglement * factor,
  });
}

function setBoosts(state: FieldState, { resonance, intelligence, entanglement }: Boosts): void {
  state.dynamics = {
    ...state.dynamics,
    resonanceBoost: resonance,
    intelligenceBoost: intelligence,
    entanglementBoost: entanglement,
    boostedAt: state.time,
  };
}
