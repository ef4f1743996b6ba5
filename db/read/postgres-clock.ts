/**
 * PostgreSQL's clock, the only source of log times. Between two statements it is extrapolated with a monotonic clock, so that this
 * machine's own time of day does not matter.
 */
export class PostgresClock {
  readonly #monotonicNow: () => number;
  #offset: number | undefined;

  constructor(monotonicNow: () => number = () => performance.now()) {
    this.#monotonicNow = monotonicNow;
  }

  /**
   * Sends a statement that returns PostgreSQL's time. The estimate is never ahead: it assumes that the statement was executed when
   * its answer arrived. An earlier estimate, from a quicker answer, is kept while it is consistent with this one.
   */
  async observe<Answer extends { readonly now: number }>(ask: () => Promise<Answer>): Promise<Answer> {
    const askedAt = this.#monotonicNow();
    const answer = await ask();
    // The time is in whole ms, rounded down.
    const [least, most] = [answer.now - this.#monotonicNow(), answer.now + 1 - askedAt];
    const isPossible = this.#offset !== undefined && this.#offset >= least && this.#offset <= most;
    if (!isPossible) this.#offset = least;
    return answer;
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
