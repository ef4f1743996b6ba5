/**
 * A hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): the device's wall clock, corrected by the
 * server's, and always above every timestamp seen. The wall clock may be hours off and may jump.
 */
export class HybridClock {
  readonly #readWallClock: () => number;
  #offset = 0;
  #highest = 0;

  constructor(readWallClock: () => number) {
    this.#readWallClock = readWallClock;
  }

  /** The device's own clock in ms, uncorrected. */
  wallTime(): number {
    return Math.floor(this.#readWallClock());
  }

  /** The best estimate of the server's time, in ms. */
  now(): number {
    return this.wallTime() + this.#offset;
  }

  /**
   * Adjusts the offset by the server's time in a response.
   * @param sentAt when the request was sent, by `wallTime()`
   */
  correct(serverTime: number, sentAt: number): void {
    const now = this.wallTime();
    // If the wall clock jumped back in the meantime, the round trip time is unknown.
    const oneWayMs = now >= sentAt ? (now - sentAt) / 2 : 0;
    this.#offset = Math.round(serverTime + oneWayMs - now);
  }

  /** Records a timestamp that the device has seen. */
  observe(timestamp: number): void {
    if (timestamp > this.#highest) this.#highest = timestamp;
  }

  /** The highest timestamp seen. */
  get highestTimestamp(): number {
    return this.#highest;
  }

  /** The timestamp of a new update. */
  nextTimestamp(): number {
    return Math.max(0, this.now(), this.#highest + 1);
  }

  /**
   * The timestamp of an update at its first sending, when the offset is known better than at its creation.
   * @param createdAt when the update was created, by `wallTime()`
   * @param minTimestamp the result is higher than this
   */
  restamp(createdAt: number, minTimestamp: number): number {
    return Math.max(0, minTimestamp + 1, Math.min(createdAt + this.#offset, this.now()));
  }
}
