/**
 * A device's updates: those to be sent, and those that it keeps after their receipts. An accepted update is kept because
 * its result may never come, an applied one because the history that applied it may end (`unknown-cursor`).
 */
import type { SentUpdate } from '../../../shared/field/update.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';

/** What the contract demands of a client: so many of its applied updates are kept. */
const maxKept = 1000;
const maxBatch = 6;
/** More updates than that are waiting only after an outage or a lost tail; then they are sent in larger batches. */
const manyWaiting = 50;
const reorderWindow = 8;

interface KeptUpdate {
  readonly update: SentUpdate;
  /** `performance.now()` */
  readonly acceptedAt: number;
  isApplied: boolean;
}

export class Outbox {
  readonly #random: Random;
  #waiting: SentUpdate[] = [];
  readonly #kept = new Map<number, KeptUpdate>();
  /** Counters whose results arrived before their receipts. */
  readonly #appliedEarly = new Set<number>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Whether every update has a receipt. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether every update has a result as well. */
  get isApplied(): boolean {
    return this.isEmpty && [...this.#kept.values()].every(({ isApplied }) => isApplied);
  }

  add(update: SentUpdate): void {
    this.#waiting.push(update);
  }

  /** Takes consecutive updates, in 30 % of cases not starting with the oldest. */
  takeBatch(): SentUpdate[] {
    const { length } = this.#waiting;
    const start = this.#random.chance(0.3) ? this.#random.below(Math.min(length, reorderWindow)) : 0;
    const count = 1 + this.#random.below(maxBatch);
    return this.#waiting.splice(start, length > manyWaiting ? manyWaiting : count);
  }

  /** To be called when a batch has its receipt. */
  keep(batch: readonly SentUpdate[]): void {
    for (const update of batch) {
      const isApplied = this.#appliedEarly.delete(update.counter);
      this.#kept.set(update.counter, { update, acceptedAt: performance.now(), isApplied });
    }
    for (const [counter, { isApplied }] of this.#kept) {
      if (this.#kept.size <= maxKept) break;
      if (isApplied) this.#kept.delete(counter);
    }
  }

  /** To be called when the result of one of the device's updates has arrived. */
  recordApplied(counter: number): void {
    const kept = this.#kept.get(counter);
    if (kept) kept.isApplied = true;
    else this.#appliedEarly.add(counter);
  }

  /** Sends what is kept again, as after a snapshot with the reason `unknown-cursor`. @returns how many updates */
  resendAll(): number {
    this.#appliedEarly.clear();
    return this.#resend(() => true);
  }

  /** Sends again what was accepted before a time and has no result. @returns how many updates */
  resendWithoutResult(acceptedBefore: number): number {
    return this.#resend(({ isApplied, acceptedAt }) => !isApplied && acceptedAt < acceptedBefore);
  }

  #resend(predicate: (kept: KeptUpdate) => boolean): number {
    const due = [...this.#kept.values()].filter(predicate).map(({ update }) => update);
    if (due.length === 0) return 0;
    for (const { counter } of due) this.#kept.delete(counter);
    // The counters of one request must rise.
    this.#waiting = [...this.#waiting, ...due].sort((a, b) => a.counter - b.counter);
    return due.length;
  }
}
