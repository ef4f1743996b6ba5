/** Calls back when a token expires. Node limits a timer to 2^31 - 1 ms (24.8 days), and tokens may live longer. */
const maxDelayMs = 2 ** 31 - 1;

export class TokenExpiryTimer {
  readonly #onExpired: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onExpired: () => void) {
    this.#onExpired = onExpired;
  }

  /** @param time in ms since the epoch; replaces the time that was set before */
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
