/**
 * Pauses between attempts: exponential backoff with full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), added to the server's `Retry-After`.
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

  /** Makes the next pause a short one again. */
  reset(): void {
    this.#failures = 0;
  }

  /** @param retryAfterMs the server's requested delay; only `stop` ends this part of the pause early */
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

  /** Ends the pause, unless the server asked for it. */
  retryNow(): void {
    if (!this.#isServerDelay) this.#endPause();
  }

  /** Ends the pause in any case. */
  stop(): void {
    this.#endPause();
  }

  /** @returns whether the pause was ended early */
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
