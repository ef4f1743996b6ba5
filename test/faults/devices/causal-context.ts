/**
 * What a device truly knows of its field, from what it has watched: the version that it is at, of each other device the
 * counters without a gap, and the largest timestamp met. From this it tells its causal past.
 */
import type { DeviceId } from '../../../shared/field/ids.ts';

export class CausalContext {
  version = 0;
  newestTimestamp = 0;
  readonly #prefixes = new Map<string, number>();
  readonly #beyond = new Map<string, Set<number>>();

  observe(device: string, counter: number, timestamp: number): void {
    this.newestTimestamp = Math.max(this.newestTimestamp, timestamp);
    const beyond = this.#beyond.get(device) ?? new Set();
    this.#beyond.set(device, beyond.add(counter));
    let prefix = this.#prefixes.get(device) ?? 0;
    while (beyond.delete(prefix + 1)) prefix += 1;
    this.#prefixes.set(device, prefix);
  }

  /** All counters up to these are known: what came out of order is told of once the gap has closed. */
  clock(): Record<DeviceId, number> {
    return Object.fromEntries([...this.#prefixes].filter(([, counter]) => counter > 0));
  }
}
