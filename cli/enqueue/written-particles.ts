/** The particles that a run has written, to report how many of them the field still holds. */
import type { SentUpdate } from '../../shared/field/update.ts';

/** Beyond this number, distinct particles are no longer counted, to bound memory. */
const maxIds = 1_000_000;

export interface HeldParticles {
  /** Distinct particles that this run has put and not removed. */
  readonly written: number;
  /** Those of them that the field holds at the end. */
  readonly held: number;
  /** The number of all particles in the field. */
  readonly inField: number;
}

export class WrittenParticles {
  readonly #ids = new Set<string>();
  #isComplete = true;

  add(update: SentUpdate): void {
    if (update.kind === 'particle.remove') this.#ids.delete(update.id);
    if (update.kind !== 'particle.put') return;
    if (this.#ids.size < maxIds) this.#ids.add(update.id);
    else this.#isComplete &&= this.#ids.has(update.id);
  }

  /** @returns undefined if none were written, or too many to count */
  compare(particles: ReadonlyMap<string, unknown>): HeldParticles | undefined {
    if (this.#ids.size === 0 || !this.#isComplete) return undefined;
    let held = 0;
    for (const id of particles.keys()) if (this.#ids.has(id)) held += 1;
    return { written: this.#ids.size, held, inField: particles.size };
  }
}
