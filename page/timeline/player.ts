/** Plays the log: determines the version to show at each moment. Long pauses between updates are shortened. */

/** The longest time on the screen without a change. */
const maxPauseMs = 1500;

/** @param timeOf the time of a version in the log, undefined if it is not known (yet) */
export class Playhead {
  readonly #timeOf: (version: number) => number | undefined;
  #version: number;
  /** Log time, in ms. */
  #time: number | undefined;

  constructor(timeOf: (version: number) => number | undefined, version: number) {
    this.#timeOf = timeOf;
    this.#version = version;
    this.#time = timeOf(version);
  }

  get version(): number {
    return this.#version;
  }

  /** Moves on. @param elapsedMs on the screen @param speed the ratio of log time to time on the screen @param last the last version */
  advance(elapsedMs: number, speed: number, last: number): void {
    this.#time ??= this.#timeOf(this.#version);
    const next = this.#timeOf(this.#version + 1);
    // The playhead waits until the next entry is loaded.
    if (this.#time === undefined || next === undefined) return;
    const untilNext = next - this.#time;
    const maxPause = maxPauseMs * speed;
    this.#time += untilNext > maxPause ? untilNext - maxPause + elapsedMs * speed : elapsedMs * speed;
    for (let version = this.#version + 1; version <= last; version += 1) {
      const time = this.#timeOf(version);
      if (time === undefined || time > this.#time) return;
      this.#version = version;
    }
  }
}
