/** The stamp of a write, and the total order that decides between concurrent writes. */
import type { DeviceId } from '../ids.ts';

export interface Stamp {
  /** Hybrid logical time in ms. */
  readonly timestamp: number;
  readonly device: DeviceId;
  readonly counter: number;
  /** The version that was assigned to the update. Not part of the order. */
  readonly version: number;
}

/** Orders by timestamp, then device (by code unit), then counter. Negative when `a` is the smaller. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a.timestamp !== b.timestamp) return a.timestamp - b.timestamp;
  if (a.device !== b.device) return a.device < b.device ? -1 : 1;
  return a.counter - b.counter;
}
