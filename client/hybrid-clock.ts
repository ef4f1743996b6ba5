/**
 * The device's hybrid clock: its wall clock, corrected by the server's, and above every timestamp that it has seen.
 * A wall clock may be hours off, and may jump.
 */
export class HybridClock {
  readonly #readWall: () => number;
  #offset = 0;
  #highest = 0;

  constructor(readWall: () => number) {
    this.#readWall = readWall;
  }

  /** The device's clock as it is, for later correction. */
  wall(): number {
    return Math.floor(this.#readWall());
  }

  /** The server's time, as well as it is known. */
  now(): number {
    return this.wall() + this.#offset;
  }

  /** Notes what the server's clock said in an answer to something sent at `sentAt` (by `wall()`). */
  correct(serverTime: number, sentAt: number): void {
    const now = this.wall();
    // A clock that jumped meanwhile tells nothing of the way there and back.
    const wayMs = now >= sentAt ? (now - sentAt) / 2 : 0;
    this.#offset = Math.round(serverTime + wayMs - now);
  }

  /** Notes a timestamp that the device has seen. */
  see(timestamp: number): void {
    if (timestamp > this.#highest) this.#highest = timestamp;
  }

  /** The highest timestamp seen. */
  get highest(): number {
    return this.#highest;
  }

  /** The timestamp of a new update. */
  stamp(): number {
    return Math.max(0, this.now(), this.#highest + 1);
  }

  /**
   * The timestamp of an update made at `wall`, now that it is sent for the first time and the offset is known better.
   * @param above the highest timestamp that it must follow
   */
  restamp(wall: number, above: number): number {
    return Math.max(0, above + 1, Math.min(wall + this.#offset, this.now()));
  }
}
