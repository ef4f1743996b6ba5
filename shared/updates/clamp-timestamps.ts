/** The only change that the API and the CLI make to updates before they enqueue them. */
import type { SentUpdate } from '../field/update.ts';

/** How far ahead of the server a timestamp may be. */
const maxClockSkewMs = 60_000;

export interface ClampedUpdates {
  readonly updates: readonly SentUpdate[];
  /** The counters of the updates whose timestamps were lowered. */
  readonly adjusted: readonly number[];
}

/**
 * Lowers timestamps that are too far ahead to the server's time: otherwise a device with a fast clock would win every later
 * concurrent write.
 * @param now the server's time in ms
 */
export function clampTimestamps(updates: readonly SentUpdate[], now: number): ClampedUpdates {
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
