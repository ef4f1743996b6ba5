/** Distinguishes taps from double taps. Only touch has double taps: a mouse has a wheel for the view, and its clicks need no delay. */
import type { Point } from '../viewport/geometry.ts';

/** A second tap within this time and distance belongs to the first. */
const doubleTapMs = 260;
const doubleTapPixels = 30;

interface TapsDeps {
  readonly onTap: (point: Point) => void;
  readonly onDoubleTap: () => void;
}

interface WaitingTap {
  readonly point: Point;
  readonly isEditable: boolean;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class Taps {
  readonly #deps: TapsDeps;
  #waiting: WaitingTap | undefined;

  constructor(deps: TapsDeps) {
    this.#deps = deps;
  }

  /** @param isEditable whether a single tap does anything */
  add(point: Point, { isTouch, isEditable }: { readonly isTouch: boolean; readonly isEditable: boolean }): void {
    const first = this.#waiting;
    if (isTouch && first && Math.hypot(point.x - first.point.x, point.y - first.point.y) < doubleTapPixels) {
      clearTimeout(first.timer);
      this.#waiting = undefined;
      this.#deps.onDoubleTap();
      return;
    }
    this.#flush();
    if (isTouch) this.#waiting = { point, isEditable, timer: setTimeout(() => this.#flush(), doubleTapMs) };
    else if (isEditable) this.#deps.onTap(point);
  }

  /** Reports a waiting tap as a single one. */
  #flush(): void {
    const tap = this.#waiting;
    this.#waiting = undefined;
    clearTimeout(tap?.timer);
    if (tap?.isEditable) this.#deps.onTap(tap.point);
  }
}
