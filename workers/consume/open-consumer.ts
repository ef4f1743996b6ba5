/** Opens the BullMQ worker of one partition, and reports what happens to its jobs. */
import { type RedisOptions, type Telemetry, Worker } from 'bullmq';
import type { UpdatesJob } from '../../shared/contract/job.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { getPartitionName } from '../../shared/queue/partitions.ts';
import type { ProcessJob } from '../job-processor.ts';
import type { WorkerMetrics } from '../observe/metrics.ts';
import { consumerOptions } from './consumer-options.ts';
import type { Consumer } from './partition-consumers.ts';

export interface OpenConsumerDeps {
  readonly connection: RedisOptions;
  readonly processJob: ProcessJob;
  readonly telemetry: Telemetry | undefined;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
}

export interface OpenConsumerOptions {
  /** `QUEUE_PREFIX`. */
  readonly prefix: string;
  /** `WORKER_CONCURRENCY`: how many jobs this process may have in flight, over all of its partitions. */
  readonly concurrency: number;
}

export function openConsumer(deps: OpenConsumerDeps, options: OpenConsumerOptions, partition: number): Consumer {
  const { connection, processJob, telemetry, log, metrics } = deps;
  const { queue, prefix } = getPartitionName(options.prefix, partition);
  // One worker per partition: several would receive its jobs in another order than the queue's.
  const worker = new Worker<UpdatesJob, void>(queue, processJob, { connection, prefix, telemetry, ...consumerOptions });
  attachEventHandlers(worker, log, metrics);
  return {
    setConcurrencyShare: (consumerCount) => {
      worker.concurrency = Math.ceil(options.concurrency / consumerCount);
    },
    close: () => worker.close(),
  };
}

function attachEventHandlers(worker: Worker<UpdatesJob, void>, log: Logger, metrics: WorkerMetrics): void {
  let isDown = false;
  worker.on('error', (err) => {
    if (!isDown) log.warn({ err }, 'queue worker connection lost');
    isDown = true;
  });
  worker.on('ready', () => {
    if (isDown) log.info('queue worker connection restored');
    isDown = false;
  });
  worker.on('failed', (job, err) => log.warn({ err, job: job?.id }, 'job failed'));
  worker.on('stalled', (job) => {
    metrics.stalledJobs.inc();
    log.warn({ job }, 'job stalled');
  });
  worker.on('lockRenewalFailed', (jobs) => {
    metrics.lostJobLocks.inc(jobs.length);
    log.warn({ jobs: jobs.length }, 'job lock renewal failed');
  });
}
