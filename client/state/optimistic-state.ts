/**
 * The server's state with pending own updates merged into it by the server's own rules, metrics and quantum fields included. A
 * client that does not need to predict these uses `PendingEdits`, which is a fifth of the size.
 *
 * An own update is merged as if its device had seen every other update, so that it stays visible until the server's result replaces
 * it. The server does not publish the stamps of values; they are not needed for this, because own counters order own updates.
 */

import { computeConnectedShare } from '../../shared/field/dynamics/entanglement.ts';
import { computeMeanResonance, computeMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import { type ChangeSet, emptyChangeSet, mergeUpdate } from '../../shared/field/merge-update.ts';
import { createParticle, type Particle } from '../../shared/field/registers/particle.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import { type ParticleView, viewParticle, viewQuantumField } from '../../shared/field/view.ts';
import type { FieldView } from '../types.ts';
import { toBaseResonance, toBaseVelocity } from '../updates/base-attributes.ts';
import type { Prediction } from './prediction.ts';
import type { ServerState } from './server-state.ts';

/**
 * Also predicts how pending updates change the metrics and quantum fields, and which particles they evict: a client immediately
 * shows what the server will compute, for example the effect of an event while the device is offline.
 */
export function predictGauges(): Prediction {
  return new OptimisticState();
}

/** Incremental: one more pending update costs the merge of one update. */
export class OptimisticState implements Prediction {
  #server: ServerState | undefined;
  #device = '';
  #merged: readonly SentUpdate[] = [];
  #draft: FieldState | undefined;
  #changes = emptyChangeSet();

  /** @param pending the own updates that `server` does not contain, in order */
  buildView(server: ServerState, device: string, pending: readonly SentUpdate[]): FieldView {
    const isContinuation =
      this.#server === server &&
      this.#device === device &&
      this.#merged.every((update, index) => update === pending[index]);
    if (!isContinuation) {
      this.#draft = undefined;
      this.#merged = [];
      this.#changes = emptyChangeSet();
    }
    this.#server = server;
    this.#device = device;
    if (pending.length === 0) return server.view;
    this.#draft ??= createDraft(server);
    for (const update of pending.slice(this.#merged.length)) {
      detachParticle(this.#draft, server, update, this.#changes);
      if (update.kind !== 'cells.set' && !this.#changes.quantumFields) estimateEntanglementBoost(this.#draft);
      const withFullContext = { ...update, seen: this.#draft.version };
      mergeUpdate(this.#draft, device as DeviceId, withFullContext, update.timestamp, this.#changes);
    }
    this.#merged = pending;
    return viewDraft(this.#draft, server, this.#changes);
  }
}

function createDraft({ view, particles }: ServerState): FieldState {
  const state = createFieldState(view.field);
  state.version = view.version;
  state.time = view.lastUpdate;
  state.quantumFields = view.quantumFields;
  for (const particle of particles.values()) state.particles.set(particle.id, toParticle(particle));
  const { globalResonance, collectiveIntelligence, room64Active, lastUpdate } = view;
  // The server does not publish the boosts by events; they are the difference between the metrics and those of the particles.
  const metricsWithoutBoosts = computeMetrics(state);
  state.dynamics = {
    ...state.dynamics,
    resonanceBoost: globalResonance - (computeMeanResonance(state) ?? metricsWithoutBoosts.globalResonance),
    intelligenceBoost: collectiveIntelligence - metricsWithoutBoosts.collectiveIntelligence,
    boostedAt: lastUpdate,
    // Nor does it publish the time of the last bloom. Assuming a recent one predicts no bloom, so none has to be undone.
    bloomedAt: lastUpdate,
    room64Active,
  };
  return state;
}

/**
 * Like the other boosts, the entanglement's is the difference from the particles' share. It is estimated only before an update that
 * recomputes the entanglement, since this visits all connections.
 */
function estimateEntanglementBoost(state: FieldState): void {
  const entanglement = state.quantumFields[0]?.entanglement ?? 0;
  const entanglementBoost = Math.max(0, entanglement - computeConnectedShare(state));
  state.dynamics = { ...state.dynamics, entanglementBoost };
}

/** Created once for each view. Shared between drafts, because only particles from `detachParticle` are ever changed. */
const particlesByView = new WeakMap<ParticleView, Particle>();

function toParticle(view: ParticleView): Particle {
  const particle = particlesByView.get(view) ?? createParticleFrom(view);
  particlesByView.set(view, particle);
  return particle;
}

/** Replaces the particle that an update changes by a copy, because the original is shared. */
function detachParticle(state: FieldState, { particles }: ServerState, update: SentUpdate, changes: ChangeSet): void {
  const id = getWrittenParticle(update);
  if (id === undefined || changes.particles.has(id)) return;
  const view = particles.get(id);
  if (view) state.particles.set(id, createParticleFrom(view));
}

/** The switch is exhaustive, so that a new kind of update does not compile until it is handled here. */
function getWrittenParticle(update: SentUpdate): string | undefined {
  switch (update.kind) {
    case 'particle.put':
    case 'particle.remove':
      return update.id;
    case 'cells.set':
    case 'event':
      return undefined;
    default:
      return update satisfies never;
  }
}

function createParticleFrom(view: ParticleView): Particle {
  const { position, connections, content } = view;
  const stamp = { timestamp: view.timestamp, device: view.device, counter: 0, version: 0 };
  const register = <T>(value: T) => ({ value, stamp });
  const particle = createParticle(view.id);
  particle.exists = register(true);
  particle.attributes.position = register(position);
  particle.attributes.connections = register(connections);
  if (content !== undefined) particle.attributes.content = register(content);
  particle.attributes.velocity = register(toBaseVelocity(view));
  particle.attributes.resonance = register(toBaseResonance(view));
  return particle;
}

function viewDraft(state: FieldState, { view, particles }: ServerState, changes: ChangeSet): FieldView {
  const toEntry = (cell: string) => [cell, state.cells.get(cell)?.value ?? 0] as const;
  const cells = changes.cells.size === 0 ? view.cells : { ...view.cells, ...mapCells(changes.cells, toEntry) };
  if (!changes.quantumFields) return { ...view, cells };
  const { lastUpdate } = view;
  return {
    ...view,
    ...computeMetrics(state),
    lastUpdate,
    cells,
    quantumFields: state.quantumFields.map(viewQuantumField),
    memoryParticles: [...state.particles.values()].map((particle) => {
      const unchanged = changes.particles.has(particle.id) ? undefined : particles.get(particle.id);
      return unchanged ?? viewParticle(particle);
    }),
  };
}

function mapCells(
  cells: Iterable<string>,
  toEntry: (cell: string) => readonly [string, number],
): Record<string, number> {
  return Object.fromEntries([...cells].map(toEntry));
}
