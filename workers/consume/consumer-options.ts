/** The options of BullMQ's workers, for both queues. */

/**
 * A job without a worker is retried after at most the lock's duration and two checks (20 s): in the fallback queue, those of a dead
 * worker, and in partitions, those that were lost on their way to a worker.
 */
const lockDuration = 10_000;
const stalledInterval = 5000;

export const consumerOptions = {
  lockDuration,
  stalledInterval,
  // A job must not fail because workers died while processing it, however often that happens.
  maxStalledCount: 1_000_000,
  // Results are in the log. Completed jobs of up to 1 MiB each would only use up the queue's memory.
  removeOnComplete: { count: 0 },
  // These updates were accepted but not applied, so an operator has to decide about them.
  removeOnFail: { count: 100_000, age: 30 * 86_400 },
} as const;
