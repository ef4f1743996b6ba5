/** Evaluates a queue in Redis or PostgreSQL: backlog, age of the oldest job, failed and stalled jobs, workers. */
import type { DetailedQueueStats } from '../../shared/queue/queue-stats.ts';
import { type Finding, finding, ok, type Subject } from './findings.ts';

const slowJobMs = 30_000;

interface EvaluateQueueOptions extends DetailedQueueStats {
  readonly subject: Subject;
  readonly maxBacklog: number;
}

export function evaluateQueue(options: EvaluateQueueOptions, now: number): Finding[] {
  const { subject, waiting, active, delayed, failed, stalled, oldestAt, isPaused, maxBacklog } = options;
  const backlog = waiting + active + delayed;
  const oldestMs = oldestAt === null ? 0 : now - oldestAt;
  // A job has one request or more, and the limit is one of requests.
  const share = `at least ${Math.round((100 * backlog) / maxBacklog)} % of MAX_BACKLOG`;
  const summary = `${share}: ${waiting} waiting, ${active} active, ${delayed} to be retried, ${failed} failed`;
  return [
    ok(subject, oldestAt === null ? summary : `${summary}; the oldest is ${formatSeconds(oldestMs)} old`),
    ...(isPaused ? [finding(subject, 'queue_paused', 'it is paused')] : []),
    ...(backlog > maxBacklog
      ? [finding(subject, 'queue_full', `${backlog} jobs exceed MAX_BACKLOG (${maxBacklog})`)]
      : []),
    ...(oldestMs > slowJobMs
      ? [finding(subject, 'queue_slow', `the oldest job is ${formatSeconds(oldestMs)} old`)]
      : []),
    ...(stalled > 0 ? [finding(subject, 'jobs_stalled', `${stalled} jobs are stalled`)] : []),
    ...(failed > 0 ? [finding(subject, 'jobs_failed', `${failed} jobs are in the dead-letter queue`)] : []),
  ];
}

export function evaluateWorkers(workers: number): Finding {
  if (workers === 0) return finding('the queue', 'no_workers', 'no worker is connected');
  return ok('the queue', `${workers} ${workers === 1 ? 'worker is' : 'workers are'} connected`);
}

function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
