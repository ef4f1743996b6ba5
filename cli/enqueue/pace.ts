/** Spreads updates over time. */
import { setTimeout as delay } from 'node:timers/promises';

export class Pace {
  readonly #perSecond: number;
  /** When the next updates may be sent, by the monotonic clock. */
  #dueAt = 0;

  /** @param perSecond updates per second; infinite for no limit */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Waits until that many updates may be sent, or until `signal` aborts. */
  async wait(updates: number, signal: AbortSignal): Promise<void> {
    const now = performance.now();
    const startAt = Math.max(now, this.#dueAt);
    this.#dueAt = startAt + (1000 * updates) / this.#perSecond;
    if (startAt > now) await delay(startAt - now, undefined, { signal }).catch(() => undefined);
  }
}
