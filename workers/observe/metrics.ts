/** The metrics of a worker. Labels have few values: outcomes, resolutions and names of tasks, never ids. */
import { Counter, Gauge, Histogram } from 'prom-client';
import { createRegistry } from '../../shared/observability/process-metrics.ts';

export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>;

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Buckets up to 30 minutes, because jobs that are accepted during an outage wait for its end. */
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
    commitSeconds: histogram(
      'field_commit_duration_seconds',
      'Time to commit a batch: to read, fold and append it, with repeated attempts',
      seconds,
    ),
    publishSeconds: histogram(
      'field_publish_duration_seconds',
      'Time from the commit until the cache and the channel are updated',
      seconds,
    ),
    appliedLag: histogram('field_applied_lag_seconds', 'From accepted to committed, for each job', lagSeconds),
    visibleLag: histogram('field_visible_lag_seconds', 'From accepted to published, for each job', lagSeconds),
    settledUpdates: new Counter({
      name: 'field_updates_settled_total',
      help: 'Updates processed, by outcome',
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
      'field_jobs_deferred_total',
      'Times a job was deferred because an earlier update of its device was missing',
    ),
    publishFailures: counter('field_publish_failures_total', 'Fields whose commit could not be published to the cache'),
    commitRetries: counter('field_commit_retries_total', 'Commits retried after a transient error'),
    failedJobs: counter('field_jobs_failed_total', 'Jobs moved to the dead-letter queue'),
    stalledJobs: counter(
      'field_jobs_stalled_total',
      'Jobs that stalled: their worker died or did not renew its lock in time',
    ),
    lostJobLocks: counter('field_job_locks_lost_total', 'Job locks that could not be renewed in time'),
    leasedPartitions: new Gauge({
      name: 'field_leased_partitions',
      help: 'Partitions of the queue that this worker reads',
      registers,
    }),
    lostLeases: counter('field_lease_sessions_lost_total', 'Times this worker lost all of its partitions at once'),
    taskLastSuccess: new Gauge({
      name: 'field_maintenance_last_success_timestamp_seconds',
      help: 'When this worker last completed a maintenance task; use the maximum over all workers',
      labelNames: ['task'],
      registers,
    }),
    taskFailures: new Counter({
      name: 'field_maintenance_failures_total',
      help: 'Maintenance tasks that failed',
      labelNames: ['task'],
      registers,
    }),
  };
}

/** @param readBytes the bytes of the fields in memory; called at every scrape */
export function measureHotFields({ registry }: WorkerMetrics, readBytes: () => number): void {
  new Gauge({
    name: 'field_hot_fields_bytes',
    help: 'Estimated bytes of the fields that this worker keeps in memory',
    registers: [registry],
    collect() {
      this.set(readBytes());
    },
  });
}
