/**
 * The totals over all particles that the limits and the entanglement need: their bytes, and how many of them take part in a mutual
 * connection. Maintained incrementally, so that no update has to visit every particle.
 */

import { getParticleBytes, type Particle } from '../registers/particle.ts';

interface Entry {
  readonly id: string;
  bytes: number;
  connections: readonly string[];
  /** The ids in `connections`. */
  declared: ReadonlySet<string>;
  /** How many of the declared connections the other particle declares as well. */
  mutual: number;
}

const nothing: readonly string[] = [];
const nothingDeclared: ReadonlySet<string> = new Set();

export class ParticleIndex {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #connected = 0;

  constructor(particles: Iterable<Particle>) {
    for (const particle of particles) this.set(particle);
  }

  /** The bytes of all particles, as the limit counts them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The number of particles with at least one connection to another one that declares it too. */
  get connected(): number {
    return this.#connected;
  }

  /** Adds a particle, or records its changes. */
  set(particle: Particle): void {
    const { id } = particle;
    const entry = this.#entries.get(id) ?? this.#addEntry(id);
    const bytes = getParticleBytes(particle);
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
    const connections = particle.attributes.connections?.value ?? nothing;
    if (connections === entry.connections) return;
    const before = entry.declared;
    entry.connections = connections;
    entry.declared = connections.length === 0 ? nothingDeclared : new Set(connections);
    this.#countMutual(entry, before, entry.declared, -1);
    this.#countMutual(entry, entry.declared, before, 1);
  }

  /** Removes a particle, if it exists. */
  delete(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#countMutual(entry, entry.declared, nothingDeclared, -1);
    this.#bytes -= entry.bytes;
    this.#entries.delete(id);
  }

  #addEntry(id: string): Entry {
    const entry = { id, bytes: 0, connections: nothing, declared: nothingDeclared, mutual: 0 };
    this.#entries.set(id, entry);
    return entry;
  }

  /** Adds or subtracts the mutual connections to the targets, for both of their ends. */
  #countMutual(entry: Entry, targets: ReadonlySet<string>, except: ReadonlySet<string>, step: 1 | -1): void {
    for (const target of targets) {
      if (except.has(target)) continue;
      const other = this.#entries.get(target);
      if (!other || other === entry || !other.declared.has(entry.id)) continue;
      this.#changeMutual(entry, step);
      this.#changeMutual(other, step);
    }
  }

  #changeMutual(entry: Entry, step: 1 | -1): void {
    const wasConnected = entry.mutual > 0;
    entry.mutual += step;
    const isConnected = entry.mutual > 0;
    if (isConnected !== wasConnected) this.#connected += step;
  }
}
