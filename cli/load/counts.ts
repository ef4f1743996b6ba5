/** What happened while the load ran. */
import { Latencies } from './latencies.ts';

export interface Tally {
  accepted: number;
  /** Requests that were refused, by the code of the problem. */
  readonly refused: Map<string, number>;
  /** Requests that got no answer; what they brought was sent again. */
  unanswered: number;
  /** Updates that were sent again after they had been accepted. */
  sentTwice: number;
  /** Devices that gave up, since trying again would not have helped. */
  gaveUp: number;
  readonly accept: Latencies;
  readonly deltas: Latencies;
}

export function createTally(): Tally {
  return {
    accepted: 0,
    refused: new Map(),
    unanswered: 0,
    sentTwice: 0,
    gaveUp: 0,
    accept: new Latencies(),
    deltas: new Latencies(),
  };
}

export function noteRefusal({ refused }: Tally, code: string): void {
  refused.set(code, (refused.get(code) ?? 0) + 1);
}
