/** How jobs are taken, from either queue. */

/** A dead worker's jobs are back within a lock and two checks. */
const lockDuration = 10_000;
const stalledInterval = 5000;

export const consumerOptions = {
  lockDuration,
  stalledInterval,
  // A job whose workers die is not to blame: it comes back for as long as it takes.
  maxStalledCount: 1_000_000,
  // The log has all that was done; kept jobs of 1 MiB each would only fill the queue's memory.
  removeOnComplete: { count: 0 },
  // Accepted and never applied: an operator has to look at them.
  removeOnFail: { count: 100_000, age: 30 * 86_400 },
} as const;
