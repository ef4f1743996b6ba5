/** A latency histogram with three significant digits, in constant memory. */
import { createHistogram } from 'node:perf_hooks';

export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export class LatencyHistogram {
  readonly #histogram = createHistogram();

  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * 1000)));
  }

  /** In ms; undefined when nothing was recorded. */
  summarise(): LatencySummary | undefined {
    const { count, max } = this.#histogram;
    if (count === 0) return undefined;
    const percentile = (share: number) => toMs(this.#histogram.percentile(share));
    return { count, p50: percentile(50), p99: percentile(99), max: toMs(max) };
  }
}

function toMs(micros: number): number {
  return Math.round(micros / 100) / 10;
}
