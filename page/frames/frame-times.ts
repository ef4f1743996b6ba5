/** Counts frames and keeps the times that the latest ones took to draw. */
import { median } from '../status/rate.ts';

const maxKept = 240;

export class FrameTimes {
  readonly #timesMs = new Float64Array(maxKept);
  /** Frames drawn since the page was opened. */
  count = 0;
  /** Particles inside the window in the latest frame. */
  particles = 0;

  add(ms: number): void {
    this.#timesMs[this.count % maxKept] = ms;
    this.count += 1;
  }

  get medianMs(): number | undefined {
    return median([...this.#timesMs.subarray(0, Math.min(this.count, maxKept))]);
  }
}
