/** The counts and latencies of a load. */
import { LatencyHistogram } from './latencies.ts';

export interface LoadCounts {
  accepted: number;
  /** Rejected requests, by the code of the problem. */
  readonly refused: Map<string, number>;
  /** Requests without a response; their updates were sent again. */
  unanswered: number;
  /** Updates that were sent again after they had been accepted. */
  sentTwice: number;
  /** Devices that stopped after an error that a retry cannot fix. */
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
