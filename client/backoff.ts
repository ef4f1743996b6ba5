/**
 * Pauses between tries: exponential with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/),
 * after the time that the server asked for.
 */
const baseDelayMs = 500;
const maxDelayMs = 30_000;
const maxDoublings = 6;

export class Backoff {
  readonly #random: () => number;
  #failures = 0;
  #isServerDelay = false;
  #endPause: () => void = () => undefined;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The next pause is a short one again. */
  reset(): void {
    this.#failures = 0;
  }

  /** @param retryAfterMs how long the server wants to be left alone: no call shortens that */
  async wait(retryAfterMs = 0): Promise<void> {
    const jitterMs = this.#random() * Math.min(maxDelayMs, baseDelayMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, maxDoublings);
    if (retryAfterMs > 0) {
      this.#isServerDelay = true;
      const ended = await this.#sleep(retryAfterMs);
      this.#isServerDelay = false;
      if (ended) return;
    }
    await this.#sleep(jitterMs);
  }

  /** There is reason to try now. */
  retryNow(): void {
    if (!this.#isServerDelay) this.#endPause();
  }

  /** Ends the pause, whatever it is for. */
  stop(): void {
    this.#endPause();
  }

  /** Resolves to whether it was ended early. */
  #sleep(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms, false);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
