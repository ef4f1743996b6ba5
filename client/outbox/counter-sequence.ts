/** The counters of new updates, in ascending order. The storage has one sequence, whichever device it sends as. */
import { pickCounterGap, pickCounterLeap } from './counter-gap.ts';

export class CounterSequence {
  readonly #random: () => number;
  #highest = 0;
  /** The highest counter that this process, or an earlier one, may have sent. */
  #highestSent = 0;
  /** Counters of other updates, which the sequence leaves out since it was continued below them. */
  #taken: ReadonlySet<number> = new Set();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The highest counter assigned so far. */
  get highest(): number {
    return this.#highest;
  }

  next(): number {
    do this.#highest += 1;
    while (this.#taken.has(this.#highest));
    return this.#highest;
  }

  /** @param counter the highest that earlier processes have assigned */
  load(counter: number): void {
    this.#highest = counter;
    this.#highestSent = counter;
  }

  recordSent(counter: number): void {
    this.#highestSent = Math.max(this.#highestSent, counter);
  }

  /** Continues well above a counter that the server has recorded, unless it was sent from here. @returns whether it was not */
  skipTo(counter: number): boolean {
    if (counter <= this.#highestSent) return false;
    this.#highest = Math.max(this.#highest, counter) + pickCounterGap(this.#random);
    return true;
  }

  leap(): void {
    this.#highest += pickCounterLeap(this.#random);
  }

  /**
   * Continues well above a lower counter.
   * @param last the highest that the server has recorded
   * @param taken the counters that other updates keep
   * @returns the counter that it continues above
   */
  continueAbove(last: number, taken: ReadonlySet<number>): number {
    this.#highest = last + pickCounterGap(this.#random);
    this.#highestSent = last;
    this.#taken = taken;
    return this.#highest;
  }
}
