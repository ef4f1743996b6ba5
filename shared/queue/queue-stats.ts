/** The statistics of a queue on either of BullMQ's backends, Redis or PostgreSQL. */
import type { Queue } from 'bullmq';

export const jobStates = ['waiting', 'active', 'delayed', 'failed'] as const;
type JobState = (typeof jobStates)[number];

/** The number of jobs in each state. Jobs with a low priority count as waiting, too. */
export interface QueueStats extends Readonly<Record<JobState, number>> {
  /** When the oldest unfinished job was added, in ms since the epoch; null if there is none. */
  readonly oldestAt: number | null;
}

export interface DetailedQueueStats extends QueueStats {
  /** Active jobs whose lock no worker holds. */
  readonly stalled: number;
  readonly isPaused: boolean;
}

/** @throws if the queue does not answer */
export async function readQueueStats(queue: Pick<Queue, 'getJobCounts' | 'getJobs'>): Promise<QueueStats> {
  const [counts, ...oldestJobs] = await Promise.all([
    queue.getJobCounts(...jobStates, 'prioritized'),
    ...(['waiting', 'active', 'delayed'] as const).map((state) => queue.getJobs([state], 0, 0, true)),
  ]);
  // A job that finishes after its id was listed and before its data is read is undefined.
  const times = oldestJobs.flat().flatMap((job) => (job ? [job.timestamp] : []));
  const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts;
  return { waiting: waiting + prioritized, active, delayed, failed, oldestAt: minOrNull(times) };
}

/** The statistics of several queues as if they were one. */
export function sumQueueStats(all: readonly QueueStats[]): QueueStats {
  const count = (state: JobState) => all.reduce((sum, stats) => sum + stats[state], 0);
  return {
    waiting: count('waiting'),
    active: count('active'),
    delayed: count('delayed'),
    failed: count('failed'),
    oldestAt: minOrNull(all.flatMap(({ oldestAt }) => (oldestAt === null ? [] : [oldestAt]))),
  };
}

function minOrNull(values: readonly number[]): number | null {
  return values.length > 0 ? Math.min(...values) : null;
}
