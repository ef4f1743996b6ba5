/** The effects of each type of event on the boosts and the quantum fields. */

import { clampFinite, clampUnit } from '../math/clamp.ts';
import type { FieldState } from '../state.ts';
import type { EventType, FieldEvent } from '../update.ts';
import { addBoosts, computeBoosts, scaleBoosts } from './boosts.ts';
import { computeEntanglement } from './entanglement.ts';
import { computeGlobalResonance, computeMeanResonance } from './field-metrics.ts';
import type { QuantumField } from './quantum-field.ts';

const bloomThreshold = 0.9;
const bloomCooldownMs = 60_000;
const harmoniesForSacredGeometry = 8;
const portalThreshold = 0.8;

type Effect = (state: FieldState, intensity: number | undefined) => void;

const effects: Readonly<Record<EventType, Effect>> = {
  resonance: (state, intensity = 0.1) => resonate(state, intensity),
  entanglement: (state, intensity = 0.05) => addBoosts(state, { intelligence: intensity, entanglement: intensity }),
  awakening: (state) => addBoosts(state, { resonance: 0.2, intelligence: 0.15 }),
  bloom,
  crystallization: (state) =>
    changeFields(state, (field) => ({
      strength: clampUnit(field.strength + 0.05),
      coherence: clampUnit(field.coherence + 0.03),
    })),
  memory: (state) => changeFields(state, (field) => ({ archaeologicalLayers: field.archaeologicalLayers + 1 })),
  harmony: harmonize,
  portal: (state, intensity = 0) => {
    if (intensity > portalThreshold) setRoom64(state, true);
  },
  void: enterVoid,
};

/** Applies an event at the log time of the state. */
export function applyEvent(state: FieldState, { type, intensity }: FieldEvent): void {
  effects[type](state, intensity);
  const entanglement = computeEntanglement(state);
  changeFields(state, () => ({ entanglement }));
}

function resonate(state: FieldState, intensity: number): void {
  const mean = computeMeanResonance(state);
  const before = computeGlobalResonance(mean, computeBoosts(state.dynamics, state.time).resonance);
  addBoosts(state, { resonance: intensity });
  const after = computeGlobalResonance(mean, state.dynamics.resonanceBoost);
  const hasCrossedThreshold = before <= bloomThreshold && after > bloomThreshold;
  const { bloomedAt } = state.dynamics;
  if (hasCrossedThreshold && (bloomedAt === 0 || state.time - bloomedAt >= bloomCooldownMs)) {
    state.dynamics = { ...state.dynamics, bloomedAt: state.time };
    bloom(state);
  }
}

function bloom(state: FieldState): void {
  addBoosts(state, { resonance: 0.1, intelligence: 0.1 });
  changeFields(state, (field) => ({
    strength: clampUnit(field.strength + 0.1),
    coherence: clampUnit(field.coherence + 0.1),
    portalStability: clampUnit(field.portalStability + 0.05),
  }));
  if (isPortalStable(state.quantumFields)) setRoom64(state, true);
}

function harmonize(state: FieldState): void {
  const harmonies = state.dynamics.harmonies + 1;
  state.dynamics = { ...state.dynamics, harmonies };
  changeFields(state, (field) => ({
    harmonics: field.harmonics.map((harmonic) => clampFinite(harmonic * 1.1)),
    sacredGeometry: field.sacredGeometry || harmonies >= harmoniesForSacredGeometry,
  }));
}

function enterVoid(state: FieldState): void {
  scaleBoosts(state, 0.8);
  setRoom64(state, false);
}

function changeFields(state: FieldState, change: (field: QuantumField) => Partial<QuantumField>): void {
  state.quantumFields = state.quantumFields.map((field) => ({ ...field, ...change(field) }));
}

function setRoom64(state: FieldState, room64Active: boolean): void {
  state.dynamics = { ...state.dynamics, room64Active };
}

/** Whether any quantum field is stable enough to open room 64. */
export function isPortalStable(fields: readonly QuantumField[]): boolean {
  return fields.some((field) => field.portalStability > portalThreshold);
}
