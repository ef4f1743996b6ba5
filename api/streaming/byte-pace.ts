/** Paces sending, so that on average it does not exceed a number of bytes per second. */
export class BytePace {
  readonly #bytesPerSecond: number;
  #freeAt = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** The time from which on more may be sent. */
  get freeAt(): number {
    return this.#freeAt;
  }

  spend(bytes: number, now: number): void {
    this.#freeAt = Math.max(now, this.#freeAt) + (bytes / this.#bytesPerSecond) * 1000;
  }
}
