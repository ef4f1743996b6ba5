/** The door for updates, whoever brings them: what is changed of an update before it may wait in the queue. */
import type { Update } from '../field/update.ts';

/** How far a device's clock may run ahead before its timestamps are brought down. */
const maxClockLeadMs = 60_000;
/** How far above a device's last counter the next may be. */
export const maxCounterLead = 1_000_000;

export interface Admitted {
  readonly updates: readonly Update[];
  /** The counters whose timestamps were brought down to the server's time. */
  readonly adjusted: readonly number[];
}

/** Brings down timestamps from clocks that run ahead, so that none of them wins ties for ever. */
export function admitUpdates(updates: readonly Update[], now: number): Admitted {
  const limit = now + maxClockLeadMs;
  if (updates.every(({ timestamp }) => timestamp <= limit)) return { updates, adjusted: [] };
  const adjusted: number[] = [];
  const admitted = updates.map((update) => {
    if (update.timestamp <= limit) return update;
    adjusted.push(update.counter);
    return { ...update, timestamp: now };
  });
  return { updates: admitted, adjusted };
}
