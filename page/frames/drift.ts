/**
 * The idle motion: orbits, light along links, the wave. It shows that the page is live, and ends some time after the last change or
 * input, so that an idle page costs nothing.
 */
const activeSeconds = 20;
const fadeSeconds = 2;

export class Drift {
  #value = 0;
  #activeUntil = 0;

  /** From 0 (no motion) to 1. */
  get value(): number {
    return this.#value;
  }

  /** To be called after a change or an input. @param time in seconds, as in `step` */
  wake(time: number): void {
    this.#activeUntil = time + activeSeconds;
  }

  step(time: number, seconds: number, isMotionReduced: boolean): void {
    if (isMotionReduced) this.#value = 0;
    else if (time < this.#activeUntil) this.#value = Math.min(1, this.#value + seconds / fadeSeconds);
    else this.#value = Math.max(0, this.#value - seconds / fadeSeconds);
  }
}
