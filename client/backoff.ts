/**
 * Pauses between tries: exponential with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/),
 * after the time that the server asked for.
 */
const firstMs = 500;
const maxMs = 30_000;
const maxDoublings = 6;

export class Backoff {
  readonly #random: () => number;
  #failures = 0;
  #isAsked = false;
  #end: () => void = () => undefined;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The next pause is a short one again. */
  reset(): void {
    this.#failures = 0;
  }

  /** @param askedMs how long the server wants to be left alone: no call shortens that */
  async wait(askedMs = 0): Promise<void> {
    const jitterMs = this.#random() * Math.min(maxMs, firstMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, maxDoublings);
    if (askedMs > 0) {
      this.#isAsked = true;
      const ended = await this.#sleep(askedMs);
      this.#isAsked = false;
      if (ended) return;
    }
    await this.#sleep(jitterMs);
  }

  /** There is reason to try now. */
  call(): void {
    if (!this.#isAsked) this.#end();
  }

  /** Ends the pause, whatever it is for. */
  stop(): void {
    this.#end();
  }

  /** Resolves to whether it was ended early. */
  #sleep(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms, false);
      this.#end = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
