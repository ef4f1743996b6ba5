/**
 * The numbers of all particles that the dynamics and the metrics sum up, as columns. Every update of a particle sums up all of
 * them: running sums would differ from those of a replay, because floating-point sums depend on the order of their terms.
 * Columns make this a sequential read of 16 to 32 KiB (empty slots count too) instead of visits to a thousand scattered objects,
 * which are cache misses.
 */

import { clampFinite } from '../math/clamp.ts';
import { type DerivedParticle, getDerivedParticle, type Particle } from '../registers/particle.ts';

export interface ParticleTotals {
  readonly count: number;
  /** Σ r */
  readonly resonance: number;
  /** Σ ½|v|²r */
  readonly kinetic: number;
}

const initialCapacity = 64;

/** A slot for each particle, in order of creation. A removed particle leaves an empty slot, whose zeros change no sum. */
export class ParticleColumns {
  readonly #slots = new Map<string, number>();
  #particles: (Particle | undefined)[] = [];
  #resonance = new Float64Array(initialCapacity);
  #kinetic = new Float64Array(initialCapacity);
  /** 1 for a crystallized particle. */
  #crystallized = new Uint8Array(initialCapacity);

  constructor(particles: Iterable<Particle>) {
    for (const particle of particles) this.set(particle);
  }

  /** Adds a new particle, or updates the numbers of one that has been written to. */
  set(particle: Particle): void {
    const slot = this.#slots.get(particle.id) ?? this.#addSlot(particle.id);
    const { resonance, kinetic, crystallized } = getDerivedParticle(particle);
    this.#particles[slot] = particle;
    this.#resonance[slot] = resonance;
    this.#kinetic[slot] = kinetic;
    this.#crystallized[slot] = Number(crystallized);
  }

  /** Removes a particle, if it is there. */
  delete(id: string): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    this.#particles[slot] = undefined;
    this.#resonance[slot] = 0;
    this.#kinetic[slot] = 0;
    this.#crystallized[slot] = 0;
  }

  computeTotals(): ParticleTotals {
    const [resonances, kinetics] = [this.#resonance, this.#kinetic];
    let [resonance, kinetic] = [0, 0];
    for (let slot = 0; slot < this.#particles.length; slot += 1) {
      resonance += resonances[slot] as number;
      kinetic += kinetics[slot] as number;
    }
    return { count: this.#slots.size, resonance, kinetic: clampFinite(kinetic) };
  }

  /** The first crystallized particles. */
  findCrystallized(limit: number): DerivedParticle[] {
    const found: DerivedParticle[] = [];
    for (let slot = -1; found.length < limit; ) {
      slot = this.#crystallized.indexOf(1, slot + 1);
      const particle = this.#particles[slot];
      if (!particle) break;
      found.push(getDerivedParticle(particle));
    }
    return found;
  }

  #addSlot(id: string): number {
    if (this.#particles.length === this.#resonance.length) this.#rebuild();
    const slot = this.#particles.length;
    this.#slots.set(id, slot);
    this.#particles.push(undefined);
    return slot;
  }

  /** Drops the empty slots, and has room for as many particles again. */
  #rebuild(): void {
    const particles = this.#particles.filter((particle) => particle !== undefined);
    const capacity = Math.max(initialCapacity, 2 * particles.length);
    this.#slots.clear();
    this.#particles = [];
    this.#resonance = new Float64Array(capacity);
    this.#kinetic = new Float64Array(capacity);
    this.#crystallized = new Uint8Array(capacity);
    for (const particle of particles) this.set(particle);
  }
}
