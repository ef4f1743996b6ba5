/** The health of a queue, whichever of the two it is: jobs that are too old, too many, failed or without a worker. */
import type { QueueCounts } from '../../shared/queue-counts.ts';
import { type Finding, fine, found, type Subject } from './findings.ts';

const slowMs = 30_000;

interface QueueState extends QueueCounts {
  readonly subject: Subject;
  readonly maxBacklog: number;
}

export function judgeQueue(state: QueueState, now: number): Finding[] {
  const { subject, waiting, active, delayed, failed, stalled, oldestAt, isPaused, maxBacklog } = state;
  const backlog = waiting + active + delayed;
  const oldestMs = oldestAt === null ? 0 : now - oldestAt;
  const summary = `${waiting} waiting, ${active} active, ${delayed} to be tried again, ${failed} failed`;
  return [
    fine(subject, oldestAt === null ? summary : `${summary}; the oldest is ${seconds(oldestMs)} old`),
    ...(isPaused ? [found(subject, 'queue_paused', 'it is paused')] : []),
    ...(backlog > maxBacklog ? [found(subject, 'queue_full', `${backlog} jobs are more than ${maxBacklog}`)] : []),
    ...(oldestMs > slowMs ? [found(subject, 'queue_slow', `the oldest job is ${seconds(oldestMs)} old`)] : []),
    ...(stalled > 0 ? [found(subject, 'jobs_stalled', `${stalled} jobs have lost their worker`)] : []),
    ...(failed > 0 ? [found(subject, 'jobs_failed', `${failed} jobs can never be applied`)] : []),
  ];
}

export function judgeWorkers(workers: number): Finding {
  if (workers === 0) return found('the queue', 'no_workers', 'no worker is connected');
  return fine('the queue', `${workers} ${workers === 1 ? 'worker is' : 'workers are'} connected`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
