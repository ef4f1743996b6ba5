/** The values of the field that the original system answered with, computed once for each state. */

import { FieldError } from '../../shared/errors.ts';
import { initialMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import { createPrimaryField, type QuantumField } from '../../shared/field/dynamics/quantum-field.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { ParticleView } from '../../shared/field/view.ts';
import type { LoadedState } from '../state/loading/loaded-state.ts';
import type { StateReader } from '../state/state-reader.ts';

export interface LegacyState {
  readonly version: number;
  readonly globalResonance: number;
  readonly collectiveIntelligence: number;
  readonly room64Active: boolean;
  /** In ms. */
  readonly lastUpdate: number;
  readonly totalParticles: number;
  readonly crystallizedParticles: number;
  readonly quantumFields: readonly QuantumField[];
  readonly primary: QuantumField;
  /** Parses all particles, which costs some milliseconds. */
  readonly readParticles: () => readonly ParticleView[];
}

const emptyState: LegacyState = {
  ...initialMetrics,
  version: 0,
  totalParticles: 0,
  crystallizedParticles: 0,
  quantumFields: [createPrimaryField()],
  primary: createPrimaryField(),
  readParticles: () => [],
};

interface LegacyStatesDeps {
  readonly field: FieldId;
  readonly states: Pick<StateReader, 'read' | 'readConfirmed'>;
}

export class LegacyStates {
  readonly #deps: LegacyStatesDeps;
  readonly #computed = new WeakMap<LoadedState, LegacyState>();

  constructor(deps: LegacyStatesDeps) {
    this.#deps = deps;
  }

  /**
   * @param atLeast a version that the state must contain, as the original answered with the state after a change
   * @throws FieldError `reads_unavailable`
   */
  async read(atLeast = 0): Promise<LegacyState> {
    const { field, states } = this.#deps;
    try {
      const { state } = await states.read(field);
      return this.#compute(state.version >= atLeast ? state : await states.readConfirmed(field));
    } catch (error) {
      // A field without updates. An outage is another error, and is never answered with an empty field.
      if (error instanceof FieldError && error.code === 'field_not_found') return emptyState;
      throw error;
    }
  }

  #compute(state: LoadedState): LegacyState {
    const known = this.#computed.get(state);
    if (known) return known;
    const { header, particles } = state.fragments;
    const computed: LegacyState = {
      ...header.metrics,
      version: state.version,
      totalParticles: particles.length,
      // Quotes within a text are escaped, so that no content can contain this.
      crystallizedParticles: particles.filter(({ json }) => json?.includes('"crystallized":true')).length,
      quantumFields: header.quantumFields,
      primary: header.quantumFields[0] ?? createPrimaryField(),
      readParticles: () => particles.flatMap(({ json }) => (json ? [JSON.parse(json) as ParticleView] : [])),
    };
    this.#computed.set(state, computed);
    return computed;
  }
}
