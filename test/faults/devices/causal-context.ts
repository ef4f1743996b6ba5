/**
 * A device's causal context, from the messages it has received: the field's cursor, the contiguous counter of each other
 * device, and the largest timestamp seen.
 */
import { type Cursor, emptyHash, formatCursor } from '../../../shared/field/cursor.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';

export class CausalContext {
  cursor: Cursor = formatCursor(0, emptyHash);
  newestTimestamp = 0;
  readonly #prefixes = new Map<string, number>();
  readonly #beyond = new Map<string, Set<number>>();

  observeTimestamp(timestamp: number): void {
    this.newestTimestamp = Math.max(this.newestTimestamp, timestamp);
  }

  observe(device: string, counter: number): void {
    const beyond = this.#beyond.get(device) ?? new Set();
    let prefix = this.#prefixes.get(device) ?? 0;
    if (counter <= prefix) return;
    this.#beyond.set(device, beyond.add(counter));
    while (beyond.delete(prefix + 1)) prefix += 1;
    this.#prefixes.set(device, prefix);
  }

  /** The contiguous counter of each device: counters after a gap are not included until the gap is filled. */
  clock(): Record<DeviceId, number> {
    return Object.fromEntries([...this.#prefixes].filter(([, counter]) => counter > 0));
  }
}
