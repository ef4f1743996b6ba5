/** What a client receives of a state. */
import type { FieldView } from '../../../../client/types.ts';
import { computeMetrics } from '../../../../shared/field/dynamics/field-metrics.ts';
import { cursorOf, type FieldState } from '../../../../shared/field/state.ts';
import { viewParticle, viewQuantumField } from '../../../../shared/field/view.ts';

export function viewState(state: FieldState): FieldView {
  return {
    field: state.field,
    version: state.version,
    cursor: cursorOf(state),
    maxTimestamp: state.dynamics.maxTimestamp,
    ...computeMetrics(state),
    quantumFields: state.quantumFields.map(viewQuantumField),
    memoryParticles: [...state.particles.values()].map(viewParticle),
    cells: Object.fromEntries([...state.cells].map(([cell, { value }]) => [cell, value])),
  };
}
