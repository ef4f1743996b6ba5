/**
 * A device's causal context, from the messages it has received: the field's version, the contiguous counter of each other
 * device, and the largest timestamp seen.
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

  /** The contiguous counter of each device: counters after a gap are not included until the gap is filled. */
  clock(): Record<DeviceId, number> {
    return Object.fromEntries([...this.#prefixes].filter(([, counter]) => counter > 0));
  }
}
