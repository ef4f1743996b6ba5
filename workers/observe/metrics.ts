/** What a worker counts of itself, for Prometheus. Labels are bounded: outcomes and names of tasks, never ids. */
import { Counter, Gauge, Histogram } from 'prom-client';
import { createRegistry } from '../../shared/observability/process-metrics.ts';

export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>;

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** What is accepted during an outage waits for its end. */
const lagSeconds = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];
const sizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

export function createWorkerMetrics() {
  const registry = createRegistry();
  const registers = [registry];
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers });
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  return {
    registry,
    batchJobs: histogram('field_batch_jobs', 'Jobs in a commit', sizes),
    batchUpdates: histogram('field_batch_updates', 'Updates in a commit', sizes),
    batchFields: histogram('field_batch_fields', 'Fields in a commit', sizes),
    commitSeconds: histogram('field_commit_duration_seconds', 'Duration of the transaction of a batch', seconds),
    publishSeconds: histogram(
      'field_publish_duration_seconds',
      'From the commit to the cache and the channel',
      seconds,
    ),
    appliedLag: histogram('field_applied_lag_seconds', 'From accepted to committed, for each job', lagSeconds),
    visibleLag: histogram('field_visible_lag_seconds', 'From accepted to published, for each job', lagSeconds),
    settledUpdates: new Counter({
      name: 'field_updates_settled_total',
      help: 'Updates that came to an end, by their outcome',
      labelNames: ['outcome'],
      registers,
    }),
    conflicts: new Counter({
      name: 'field_conflicts_total',
      help: 'Conflicts recorded, by their resolution',
      labelNames: ['resolution'],
      registers,
    }),
    deferredJobs: counter(
      'field_jobs_held_back_total',
      'Times that a job waited for one that its device had numbered before it',
    ),
    publishFailures: counter(
      'field_publish_failures_total',
      'Fields that the cache could not be told of after a commit',
    ),
    commitRetries: counter(
      'field_commit_retries_total',
      'Commits that were tried again because of what passes by itself',
    ),
    failedJobs: counter('field_jobs_failed_total', 'Jobs that can never be applied'),
    stalledJobs: counter(
      'field_jobs_stalled_total',
      'Jobs whose worker had died, or was too slow to say that it lives',
    ),
    lostJobLocks: counter('field_job_locks_lost_total', 'Locks of jobs that could not be renewed in time'),
    taskLastSuccess: new Gauge({
      name: 'field_upkeep_last_success_timestamp_seconds',
      help: 'When this worker last ended a task of upkeep; the newest of all workers counts',
      labelNames: ['task'],
      registers,
    }),
    taskFailures: new Counter({
      name: 'field_upkeep_failures_total',
      help: 'Tasks of upkeep that failed',
      labelNames: ['task'],
      registers,
    }),
  };
}
