/** Resolves the promises of apps that wait for an update to be settled. */
import type { OutboxEntry } from '../types.ts';

/** Entries leave the outbox once the state contains them; the latest are kept for later calls of `settled`. */
const maxRemembered = 1000;

function isFinal({ status }: OutboxEntry): boolean {
  return status === 'applied' || status === 'conflict' || status === 'refused';
}

export class SettlementTracker {
  readonly #settled = new Map<string, OutboxEntry>();
  readonly #waiters = new Map<string, ((entry: OutboxEntry) => void)[]>();

  /** To be called with every entry that has changed. */
  record(entry: OutboxEntry): void {
    if (!isFinal(entry)) {
      // It may have been settled before, and be sent again because the server lost it.
      this.#settled.delete(entry.key);
      return;
    }
    this.#settled.set(entry.key, entry);
    const [oldest] = this.#settled.keys();
    if (this.#settled.size > maxRemembered && oldest !== undefined) this.#settled.delete(oldest);
    for (const resolve of this.#waiters.get(entry.key) ?? []) resolve(entry);
    this.#waiters.delete(entry.key);
  }

  waitFor(entry: OutboxEntry): Promise<OutboxEntry> {
    const settled = isFinal(entry) ? entry : this.#settled.get(entry.key);
    if (settled) return Promise.resolve(settled);
    return new Promise((resolve) => {
      this.#waiters.set(entry.key, [...(this.#waiters.get(entry.key) ?? []), resolve]);
    });
  }
}
