/** Who waits for an update to be settled. What was settled lately is remembered for those who ask late. */
import type { OutboxEntry } from '../types.ts';

const maxRemembered = 1000;

function isFinal({ status }: OutboxEntry): boolean {
  return status === 'applied' || status === 'conflict' || status === 'refused';
}

export class Settlements {
  readonly #settled = new Map<string, OutboxEntry>();
  readonly #waiting = new Map<string, ((entry: OutboxEntry) => void)[]>();

  /** Takes each entry that has changed. */
  note(entry: OutboxEntry): void {
    if (!isFinal(entry)) return;
    this.#settled.set(entry.key, entry);
    const [oldest] = this.#settled.keys();
    if (this.#settled.size > maxRemembered && oldest !== undefined) this.#settled.delete(oldest);
    for (const resolve of this.#waiting.get(entry.key) ?? []) resolve(entry);
    this.#waiting.delete(entry.key);
  }

  of(entry: OutboxEntry): Promise<OutboxEntry> {
    const settled = isFinal(entry) ? entry : this.#settled.get(entry.key);
    if (settled) return Promise.resolve(settled);
    return new Promise((resolve) => {
      this.#waiting.set(entry.key, [...(this.#waiting.get(entry.key) ?? []), resolve]);
    });
  }
}
