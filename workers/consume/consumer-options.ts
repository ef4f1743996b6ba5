/** The options of BullMQ's workers, for both queues. */

/** The jobs of a worker that died are retried after at most the lock's duration and two checks (20 s). */
const lockDuration = 10_000;
const stalledInterval = 5000;

export const consumerOptions = {
  lockDuration,
  stalledInterval,
  // A job is not failed because its workers died, however often that happens.
  maxStalledCount: 1_000_000,
  // The log has the results; completed jobs of up to 1 MiB each would only fill the queue's memory.
  removeOnComplete: { count: 0 },
  // Accepted but not applied: an operator has to decide about them.
  removeOnFail: { count: 100_000, age: 30 * 86_400 },
} as const;
