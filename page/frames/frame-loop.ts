/** Schedules frames: only while something moves, and none while the page is hidden. */
export class FrameLoop {
  readonly #draw: (now: number) => boolean;
  #isScheduled = false;

  /** @param draw draws a frame; returns whether another one is needed because something still moves */
  constructor(draw: (now: number) => boolean) {
    this.#draw = draw;
    document.addEventListener('visibilitychange', () => this.request());
  }

  /** Requests a frame after a change. */
  request(): void {
    if (this.#isScheduled || document.hidden) return;
    this.#isScheduled = true;
    requestAnimationFrame((now) => {
      this.#isScheduled = false;
      if (this.#draw(now)) this.request();
    });
  }
}
