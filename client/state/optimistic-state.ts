/**
 * The server's state with the own updates that it does not hold yet, by the server's own fold.
 *
 * An own update is folded as if it had seen everything: it stays on the screen until the server has applied it, and only
 * then shows what became of it. The server tells no stamps, and none are needed for that: own counters order own updates.
 */

import { computeMeanResonance, computeMetrics } from '../../shared/field/dynamics/metrics.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import { type ChangeSet, emptyChangeSet, mergeUpdate } from '../../shared/field/merge-update.ts';
import { createParticle, type Particle } from '../../shared/field/registers/particle.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import type { Update } from '../../shared/field/update.ts';
import { type ParticleView, viewParticle, viewQuantumField } from '../../shared/field/view.ts';
import type { FieldView } from '../types.ts';
import type { ServerState } from './server-state.ts';

/** Keeps what it has folded, so that one more edit costs one more fold. */
export class OptimisticState {
  #server: ServerState | undefined;
  #device = '';
  #folded: readonly Update[] = [];
  #draft: FieldState | undefined;
  #changes = emptyChangeSet();

  /** @param pending own updates that `server` does not hold, in their order */
  buildView(server: ServerState, device: string, pending: readonly Update[]): FieldView {
    const isContinuation =
      this.#server === server && this.#device === device && this.#folded.every((update, at) => update === pending[at]);
    if (!isContinuation) {
      this.#draft = undefined;
      this.#folded = [];
      this.#changes = emptyChangeSet();
    }
    this.#server = server;
    this.#device = device;
    if (pending.length === 0) return server.view;
    this.#draft ??= createDraft(server);
    for (const update of pending.slice(this.#folded.length)) {
      detachParticle(this.#draft, server, update, this.#changes);
      const withFullContext = { ...update, seen: this.#draft.version };
      mergeUpdate(this.#draft, device as DeviceId, withFullContext, update.timestamp, this.#changes);
    }
    this.#folded = pending;
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
  // What events have added is not told: it is what the metrics have beyond the particles' own.
  const metricsWithoutBoosts = computeMetrics(state);
  state.dynamics = {
    ...state.dynamics,
    resonanceBoost: globalResonance - (computeMeanResonance(state) ?? metricsWithoutBoosts.globalResonance),
    intelligenceBoost: collectiveIntelligence - metricsWithoutBoosts.collectiveIntelligence,
    boostedAt: lastUpdate,
    // When the last bloom was is not told either: better none is shown than one that has to be taken back.
    bloomedAt: lastUpdate,
    room64Active,
  };
  return state;
}

/** Made once for each view: the fold changes only those that `detach` has made anew. */
const particlesByView = new WeakMap<ParticleView, Particle>();

function toParticle(view: ParticleView): Particle {
  const particle = particlesByView.get(view) ?? createParticleFrom(view);
  particlesByView.set(view, particle);
  return particle;
}

/** Gives an update a particle of its own to write to. */
function detachParticle(state: FieldState, { particles }: ServerState, update: Update, changes: ChangeSet): void {
  if (update.kind !== 'particle.put' && update.kind !== 'particle.remove') return;
  const view = particles.get(update.id);
  if (view && !changes.particles.has(update.id)) state.particles.set(update.id, createParticleFrom(view));
}

function createParticleFrom(view: ParticleView): Particle {
  const { position, connections, content, crystallized } = view;
  const stamp = { timestamp: view.timestamp, device: view.device, counter: 0, version: 0 };
  const register = <T>(value: T) => ({ value, stamp });
  const particle = createParticle(view.id);
  particle.exists = register(true);
  particle.attributes.position = register(position);
  particle.attributes.connections = register(connections);
  if (content !== undefined) particle.attributes.content = register(content);
  // Crystallized, it shows 0.1 more resonance and half the velocity of its registers.
  const { x, y, z } = view.velocity;
  particle.attributes.velocity = register(crystallized ? { x: x * 2, y: y * 2, z: z * 2 } : view.velocity);
  particle.attributes.resonance = register(
    crystallized ? Math.max(0.7 + Number.EPSILON, view.resonance - 0.1) : view.resonance,
  );
  return particle;
}

function viewDraft(state: FieldState, { view, particles }: ServerState, changes: ChangeSet): FieldView {
  const showCell = (cell: string) => [cell, state.cells.get(cell)?.value ?? 0] as const;
  const cells = changes.cells.size === 0 ? view.cells : { ...view.cells, ...mapCells(changes.cells, showCell) };
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

function mapCells(cells: Iterable<string>, show: (cell: string) => readonly [string, number]): Record<string, number> {
  return Object.fromEntries([...cells].map(show));
}
