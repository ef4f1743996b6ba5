/**
 * PostgreSQL's clock, which is the only one that log times come from. Between two statements it is estimated with a
 * monotonic clock, so that this machine's own time of day does not matter.
 */
export class PostgresClock {
  readonly #monotonicNow: () => number;
  #offset: number | undefined;

  constructor(monotonicNow: () => number = () => performance.now()) {
    this.#monotonicNow = monotonicNow;
  }

  /**
   * Records what a statement has returned. Called when its answer arrives, so that the estimate is behind PostgreSQL's
   * clock by the time that the answer took, and never ahead of it.
   */
  observe(now: number): void {
    this.#offset = now - this.#monotonicNow();
  }

  /** In whole ms. @throws Error before the first observation */
  now(): number {
    if (this.#offset === undefined) throw new Error("PostgreSQL's clock has not been read yet");
    return Math.floor(this.#monotonicNow() + this.#offset);
  }

  get isKnown(): boolean {
    return this.#offset !== undefined;
  }
}
