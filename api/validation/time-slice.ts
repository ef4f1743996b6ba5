/** Splits long synchronous work into slices: between two of them the event loop serves everything else. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Half of what one request may take of the event loop at a time, because a slice ends after the step that exceeds it. */
const sliceMs = 5;

export class TimeSlice {
  #startedAt = performance.now();

  /** Call between two steps. Resolves in the next turn of the event loop if the slice is used up, at once otherwise. */
  async yieldIfUsedUp(): Promise<void> {
    if (performance.now() - this.#startedAt < sliceMs) return;
    await nextTurn();
    this.#startedAt = performance.now();
  }
}
