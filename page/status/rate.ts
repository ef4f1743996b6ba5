/** Events per second over a sliding window of 5 s. Pure: the caller passes the time. */

const windowMs = 5000;

export class Rate {
  #entries: { readonly time: number; readonly count: number }[] = [];

  add(count: number, time: number): void {
    this.#prune(time);
    if (count > 0) this.#entries.push({ time, count });
  }

  perSecond(time: number): number {
    this.#prune(time);
    return this.#entries.reduce((sum, { count }) => sum + count, 0) / (windowMs / 1000);
  }

  #prune(time: number): void {
    const start = this.#entries.findIndex((entry) => entry.time > time - windowMs);
    this.#entries.splice(0, start < 0 ? this.#entries.length : start);
  }
}

export function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
