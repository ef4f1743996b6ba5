/**
 * Shows pending own updates in particles and cells. An own update counts as if its device had seen every other one, so that it
 * simply replaces values, and stays visible until the server's result replaces it. `optimistic-state.ts` also predicts metrics and
 * quantum fields.
 */
import { deriveAttributes } from '../../shared/field/registers/particle.ts';
import type { ParticleAttributes, ParticlePut, SentUpdate } from '../../shared/field/update.ts';
import { type ParticleView, viewAttributes } from '../../shared/field/view.ts';
import type { FieldView } from '../types.ts';
import { toBaseAttributes } from '../updates/base-attributes.ts';
import type { Prediction } from './prediction.ts';
import type { ServerState } from './server-state.ts';

type Particles = ReadonlyMap<string, ParticleView>;

/** Incremental: one more pending update does not apply the others again. */
export class PendingEdits implements Prediction {
  #server: ServerState | undefined;
  #device = '';
  #applied: readonly SentUpdate[] = [];
  #particles: Particles = new Map();
  /** The attributes written to particles that pending updates have put: they cannot always be derived from what is shown. */
  readonly #bases = new Map<string, ParticleAttributes>();
  #cells: FieldView['cells'] = {};

  buildView(server: ServerState, device: string, pending: readonly SentUpdate[]): FieldView {
    if (pending.length === 0) return server.view;
    const isContinuation =
      this.#server === server &&
      this.#device === device &&
      this.#applied.every((update, index) => update === pending[index]);
    if (!isContinuation) {
      this.#applied = [];
      this.#bases.clear();
      this.#particles = server.particles;
      this.#cells = server.view.cells;
    }
    this.#server = server;
    this.#device = device;
    this.#apply(pending.slice(this.#applied.length));
    this.#applied = pending;
    const memoryParticles =
      this.#particles === server.particles ? server.view.memoryParticles : [...this.#particles.values()];
    return { ...server.view, memoryParticles, cells: this.#cells };
  }

  /** Copies what the updates change, since the app may hold the former objects. */
  #apply(updates: readonly SentUpdate[]): void {
    const cells: Record<string, number> = {};
    let particles: Map<string, ParticleView> | undefined;
    for (const update of updates) {
      if (update.kind === 'cells.set') for (const { x, y, value } of update.cells) cells[`${x},${y}`] = value;
      if (!('id' in update)) continue;
      particles ??= new Map(this.#particles);
      if (update.kind === 'particle.put') particles.set(update.id, this.#put(particles.get(update.id), update));
      else for (const map of [particles, this.#bases]) map.delete(update.id);
    }
    this.#particles = particles ?? this.#particles;
    if (Object.keys(cells).length > 0) this.#cells = { ...this.#cells, ...cells };
  }

  #put(before: ParticleView | undefined, update: ParticlePut<unknown>): ParticleView {
    const { id, timestamp, counter, seen, clock, kind, ...written } = update;
    const base = { ...(this.#bases.get(id) ?? (before && toBaseAttributes(before))), ...written };
    this.#bases.set(id, base);
    const own = { timestamp, device: this.#device as ParticleView['device'] };
    const newest = before && before.timestamp > timestamp ? before : own;
    return viewAttributes(id, deriveAttributes(id, base), newest);
  }
}
