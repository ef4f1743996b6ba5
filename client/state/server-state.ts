/** The server's state as the client last received it: snapshots replace it, deltas advance it. Pure functions. */
import type { ServerMessage, State } from '../../shared/contract/messages.ts';
import { emptyHash, formatCursor, versionOf } from '../../shared/field/cursor.ts';
import { initialMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import { createPrimaryField } from '../../shared/field/dynamics/quantum-field.ts';
import type { ParticleView } from '../../shared/field/view.ts';
import type { FieldView } from '../types.ts';

export interface ServerState {
  readonly view: FieldView;
  readonly particles: ReadonlyMap<string, ParticleView>;
}

type Delta = Extract<ServerMessage, { type: 'delta' }>;

/** The state of a field that has no updates yet. */
export function createServerState(field: string): ServerState {
  const view = {
    field: field as State['field'],
    version: 0,
    cursor: formatCursor(0, emptyHash),
    maxTimestamp: 0,
    memoryParticles: [],
    cells: {},
    ...initialMetrics,
    quantumFields: [createPrimaryField()],
  };
  return { view, particles: new Map() };
}

export function toServerState(view: FieldView): ServerState {
  return { view, particles: new Map(view.memoryParticles.map((particle) => [particle.id, particle])) };
}

/** @param delta its `from` must be the state's cursor */
export function applyDelta({ view, particles }: ServerState, { to, maxTimestamp, changes }: Delta): ServerState {
  const changed = Object.entries(changes.particles);
  const next = changed.length === 0 ? particles : mergeParticles(particles, changed);
  return {
    particles: next,
    view: {
      ...view,
      ...changes.metrics,
      version: versionOf(to),
      cursor: to,
      maxTimestamp,
      memoryParticles: next === particles ? view.memoryParticles : [...next.values()],
      quantumFields: changes.quantumFields ?? view.quantumFields,
      cells: Object.keys(changes.cells).length === 0 ? view.cells : mergeCells(view.cells, changes.cells),
    },
  };
}

function mergeCells(cells: State['cells'], changed: Delta['changes']['cells']): State['cells'] {
  const next: Record<string, number> = { ...cells };
  for (const [cell, value] of Object.entries(changed)) {
    if (value === null) delete next[cell];
    else next[cell] = value;
  }
  return next;
}

function mergeParticles(
  particles: ReadonlyMap<string, ParticleView>,
  changed: readonly (readonly [string, ParticleView | null])[],
): ReadonlyMap<string, ParticleView> {
  const next = new Map(particles);
  for (const [id, particle] of changed) {
    if (particle) next.set(id, particle);
    else next.delete(id);
  }
  return next;
}
