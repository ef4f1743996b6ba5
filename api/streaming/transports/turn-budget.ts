/**
 * Bounds the time that the messages of all sockets together take in one turn of the event loop. Node delivers everything that
 * has arrived on thousands of sockets in one turn, and requests would wait until the last of them is handled.
 */

const maxTurnMs = 5;

export class TurnBudget {
  /** When the first message of this turn was handled. */
  #startedAt: number | undefined;
  /**
   * Resumes the work that waits for a later turn, in the order of its arrival. However many wait, a turn only resumes what it has
   * time for.
   */
  readonly #waiting: (() => void)[] = [];

  /** Starts the work at once, unless the time of this turn is used up or others wait. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isUsedUp || this.#waiting.length > 0)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    this.#startTurn();
    const result = work();
    this.#resumeNext();
    return result;
  }

  get #isUsedUp(): boolean {
    return this.#startedAt !== undefined && performance.now() - this.#startedAt >= maxTurnMs;
  }

  #startTurn(): void {
    if (this.#startedAt !== undefined) return;
    this.#startedAt = performance.now();
    setImmediate(() => {
      this.#startedAt = undefined;
      this.#resumeNext();
    });
  }

  #resumeNext(): void {
    if (!this.#isUsedUp) this.#waiting.shift()?.();
  }
}
