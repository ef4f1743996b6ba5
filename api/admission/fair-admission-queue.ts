/**
 * Admits a few callers per tick of the event loop, in order of arrival. A burst of updates would otherwise be processed before
 * everything else that has arrived meanwhile, and reads would wait for all of it.
 */
import { setImmediate } from 'node:timers/promises';

const admittedPerTick = 2;
/** Higher than `admittedPerTick`, because refusing costs less than admitting. */
const expiredPerTick = 8;

interface FairAdmissionQueueOptions {
  /** Gets the duration of a tick, and returns the pause after it; undefined when the next one may follow at once. */
  readonly pause: (elapsedMs: number) => Promise<void> | undefined;
  readonly maxWaitMs: number;
}

interface Waiter {
  readonly enqueuedAt: number;
  readonly resolve: (isAdmitted: boolean) => void;
}

export class FairAdmissionQueue {
  readonly #options: FairAdmissionQueueOptions;
  readonly #waiters: Waiter[] = [];
  /** How many more may be admitted in this tick. */
  #remaining = admittedPerTick;
  #isRunning = false;

  constructor(options: FairAdmissionQueueOptions) {
    this.#options = options;
  }

  /** Resolves with true when the caller is admitted, with false when it has waited longer than `maxWaitMs`. */
  acquire(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiters.push({ enqueuedAt: performance.now(), resolve });
      this.#admit();
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#remaining < admittedPerTick || this.#waiters.length > 0) {
      const startedAt = performance.now();
      await setImmediate();
      await this.#options.pause(performance.now() - startedAt);
      this.#remaining = admittedPerTick;
      this.#rejectExpired();
      this.#admit();
    }
    this.#isRunning = false;
  }

  #rejectExpired(): void {
    const minEnqueuedAt = performance.now() - this.#options.maxWaitMs;
    const expired = this.#waiters.slice(0, expiredPerTick).filter(({ enqueuedAt }) => enqueuedAt < minEnqueuedAt);
    this.#waiters.splice(0, expired.length);
    for (const { resolve } of expired) resolve(false);
  }

  #admit(): void {
    const admitted = this.#waiters.splice(0, this.#remaining);
    this.#remaining -= admitted.length;
    for (const { resolve } of admitted) resolve(true);
  }
}
