/**
 * Lets updates in a few with each turn of the event loop. A rush of them would otherwise be worked off before anything else
 * that has come in meanwhile, and those who only read would wait for all of it. There may be a rest between two turns, and
 * nobody waits for ever.
 */
import { setImmediate as endOfTurn } from 'node:timers/promises';

const perTurn = 2;
/** Turning somebody away costs less than letting in. */
const latePerTurn = 8;

interface IntakeTurnsOptions {
  /** What to wait for after a turn that took so many ms; undefined when the next may follow at once. */
  readonly rest: (tookMs: number) => Promise<void> | undefined;
  readonly maxWaitMs: number;
}

interface Waiting {
  readonly since: number;
  readonly call: (isInTime: boolean) => void;
}

export class IntakeTurns {
  readonly #options: IntakeTurnsOptions;
  readonly #waiting: Waiting[] = [];
  #left = perTurn;
  #isTurning = false;

  constructor(options: IntakeTurnsOptions) {
    this.#options = options;
  }

  /** Resolves when it is the caller's turn, in the order of the calls; with false for who has waited too long. */
  take(): Promise<boolean> {
    return new Promise((call) => {
      this.#waiting.push({ since: performance.now(), call });
      this.#letIn();
      if (!this.#isTurning) void this.#turn();
    });
  }

  async #turn(): Promise<void> {
    this.#isTurning = true;
    while (this.#left < perTurn || this.#waiting.length > 0) {
      const startedAt = performance.now();
      await endOfTurn();
      await this.#options.rest(performance.now() - startedAt);
      this.#left = perTurn;
      this.#turnAway();
      this.#letIn();
    }
    this.#isTurning = false;
  }

  #turnAway(): void {
    const limit = performance.now() - this.#options.maxWaitMs;
    const late = this.#waiting.slice(0, latePerTurn).filter(({ since }) => since < limit);
    this.#waiting.splice(0, late.length);
    for (const { call } of late) call(false);
  }

  #letIn(): void {
    const next = this.#waiting.splice(0, this.#left);
    this.#left -= next.length;
    for (const { call } of next) call(true);
  }
}
