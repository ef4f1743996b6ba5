/** A look into a queue, whichever of BullMQ's backends it stands on. */
import type { Queue } from 'bullmq';

export interface QueueStats {
  /** Jobs by their state. */
  readonly counts: Readonly<Record<string, number>>;
  /** When the oldest job that is not done was added, in ms. */
  readonly oldestAt: number | undefined;
}

/** @throws when the queue does not answer */
export async function readQueueStats(queue: Pick<Queue, 'getJobCounts' | 'getJobs'>): Promise<QueueStats> {
  const [counts, ...oldest] = await Promise.all([
    queue.getJobCounts('waiting', 'active', 'delayed', 'failed'),
    ...(['waiting', 'active', 'delayed'] as const).map((state) => queue.getJobs([state], 0, 0, true)),
  ]);
  // A job may have been finished between the list and the look at it.
  const times = oldest.flat().flatMap((job) => (job ? [job.timestamp] : []));
  return { counts, oldestAt: times.length > 0 ? Math.min(...times) : undefined };
}
