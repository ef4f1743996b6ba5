/**
 * Bounds the time that the messages of all sockets together take in one turn of the event loop. Node delivers everything that
 * has arrived on thousands of sockets in one turn, and requests would wait until the last of them is handled.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

const maxTurnMs = 5;

export class TurnBudget {
  /** When the first message of this turn was handled. */
  #startedAt: number | undefined;

  /** Starts the work at once, unless the time of this turn is used up. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#startedAt !== undefined && performance.now() - this.#startedAt >= maxTurnMs) await nextTurn();
    if (this.#startedAt === undefined) {
      this.#startedAt = performance.now();
      setImmediate(() => {
        this.#startedAt = undefined;
      });
    }
    return work();
  }
}
