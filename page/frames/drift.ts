/**
 * The motion that no change causes: orbits, light along links, the wave. It shows that the page is live, and ends some time after
 * the last change or input, so that a page which nobody looks at costs nothing.
 */
const activeSeconds = 20;
const fadeSeconds = 2;

export class Drift {
  #value = 0;
  #activeUntil = 0;

  /** From 0 (all is still) to 1. */
  get value(): number {
    return this.#value;
  }

  /** Something has happened. @param time in seconds, as in `step` */
  wake(time: number): void {
    this.#activeUntil = time + activeSeconds;
  }

  step(time: number, seconds: number, isMotionReduced: boolean): void {
    if (isMotionReduced) this.#value = 0;
    else if (time < this.#activeUntil) this.#value = Math.min(1, this.#value + seconds / fadeSeconds);
    else this.#value = Math.max(0, this.#value - seconds / fadeSeconds);
  }
}
