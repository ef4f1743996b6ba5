/** What happened while the load ran. */
import { LatencyHistogram } from './latencies.ts';

export interface LoadCounts {
  accepted: number;
  /** Requests that were refused, by the code of the problem. */
  readonly refused: Map<string, number>;
  /** Requests that got no answer; what they brought was sent again. */
  unanswered: number;
  /** Updates that were sent again after they had been accepted. */
  sentTwice: number;
  /** Devices that gave up, since trying again would not have helped. */
  gaveUp: number;
  readonly accept: LatencyHistogram;
  readonly deltas: LatencyHistogram;
}

export function createLoadCounts(): LoadCounts {
  return {
    accepted: 0,
    refused: new Map(),
    unanswered: 0,
    sentTwice: 0,
    gaveUp: 0,
    accept: new LatencyHistogram(),
    deltas: new LatencyHistogram(),
  };
}

export function recordRefusal({ refused }: LoadCounts, code: string): void {
  refused.set(code, (refused.get(code) ?? 0) + 1);
}
