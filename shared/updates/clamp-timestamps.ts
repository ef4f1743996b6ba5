/** The door for updates, whoever brings them: what is changed of an update before it may wait in the queue. */
import type { Update } from '../field/update.ts';

/** How far a device's clock may run ahead before its timestamps are brought down. */
const maxClockSkewMs = 60_000;
/** How far above a device's last counter the next may be. */
export const maxCounterGap = 1_000_000;

export interface ClampedUpdates {
  readonly updates: readonly Update[];
  /** The counters whose timestamps were brought down to the server's time. */
  readonly adjusted: readonly number[];
}

/** Brings down timestamps from clocks that run ahead, so that none of them wins ties for ever. */
export function clampTimestamps(updates: readonly Update[], now: number): ClampedUpdates {
  const limit = now + maxClockSkewMs;
  if (updates.every(({ timestamp }) => timestamp <= limit)) return { updates, adjusted: [] };
  const adjusted: number[] = [];
  const clamped = updates.map((update) => {
    if (update.timestamp <= limit) return update;
    adjusted.push(update.counter);
    return { ...update, timestamp: now };
  });
  return { updates: clamped, adjusted };
}
