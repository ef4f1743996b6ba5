/** Calls back when a token runs out. Node's timers hold 24.8 days at most, and tokens live longer. */
const maxDelayMs = 2 ** 31 - 1;

export class TokenExpiryTimer {
  readonly #onExpired: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onExpired: () => void) {
    this.#onExpired = onExpired;
  }

  /** @param time in ms since the epoch; replaces what was set before */
  set(time: number): void {
    clearTimeout(this.#timer);
    const delayMs = Math.max(0, time - Date.now());
    this.#timer = setTimeout(
      () => (delayMs > maxDelayMs ? this.set(time) : this.#onExpired()),
      Math.min(delayMs, maxDelayMs),
    );
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
