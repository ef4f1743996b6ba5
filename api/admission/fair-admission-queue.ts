/**
 * Lets updates in a few with each turn of the event loop. A rush of them would otherwise be worked off before anything else
 * that has come in meanwhile, and those who only read would wait for all of it. There may be a rest between two turns, and
 * nobody waits for ever.
 */
import { setImmediate } from 'node:timers/promises';

const admittedPerTick = 2;
/** Turning somebody away costs less than letting in. */
const expiredPerTick = 8;

interface FairAdmissionQueueOptions {
  /** What to wait for after a turn that took so many ms; undefined when the next may follow at once. */
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
  #remaining = admittedPerTick;
  #isRunning = false;

  constructor(options: FairAdmissionQueueOptions) {
    this.#options = options;
  }

  /** Resolves when it is the caller's turn, in the order of the calls; with false for who has waited too long. */
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
    const next = this.#waiters.splice(0, this.#remaining);
    this.#remaining -= next.length;
    for (const { resolve } of next) resolve(true);
  }
}
