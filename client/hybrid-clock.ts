/**
 * The device's hybrid clock: its wall clock, corrected by the server's, and above every timestamp that it has seen.
 * A wall clock may be hours off, and may jump.
 */
export class HybridClock {
  readonly #readWallClock: () => number;
  #offset = 0;
  #highest = 0;

  constructor(readWall: () => number) {
    this.#readWallClock = readWall;
  }

  /** The device's clock as it is, for later correction. */
  wallTime(): number {
    return Math.floor(this.#readWallClock());
  }

  /** The server's time, as well as it is known. */
  now(): number {
    return this.wallTime() + this.#offset;
  }

  /** Notes what the server's clock said in an answer to something sent at `sentAt` (by `wall()`). */
  correct(serverTime: number, sentAt: number): void {
    const now = this.wallTime();
    // A clock that jumped meanwhile tells nothing of the way there and back.
    const oneWayMs = now >= sentAt ? (now - sentAt) / 2 : 0;
    this.#offset = Math.round(serverTime + oneWayMs - now);
  }

  /** Notes a timestamp that the device has seen. */
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
   * The timestamp of an update made at `wall`, now that it is sent for the first time and the offset is known better.
   * @param minTimestamp the highest timestamp that it must follow
   */
  restamp(createdAt: number, minTimestamp: number): number {
    return Math.max(0, minTimestamp + 1, Math.min(createdAt + this.#offset, this.now()));
  }
}
