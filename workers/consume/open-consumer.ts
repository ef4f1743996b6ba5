/** Opens the BullMQ worker of one partition, and reports what happens to its jobs. */
import { type RedisOptions, type Telemetry, Worker } from 'bullmq';
import type { UpdatesJob } from '../../shared/contract/job.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { withTimeoutValue } from '../../shared/process/with-timeout.ts';
import { getPartitionName } from '../../shared/queue/partitions.ts';
import type { ProcessJob } from '../job-processor.ts';
import type { WorkerMetrics } from '../observe/metrics.ts';
import { consumerOptions } from './consumer-options.ts';
import type { Consumer } from './partition-consumers.ts';
import { reclaimJobs } from './reclaim-jobs.ts';
import { ReturnableJobs } from './returnable-jobs.ts';

/**
 * How often to look for stalled jobs, whose locks have expired, for example those that a failed connection did not deliver. Shorter
 * than for the fallback queue, because only the worker that has leased a partition checks it.
 */
const stalledInterval = 2000;
/** Jobs that cannot be returned within this time are retried by other workers once their locks have expired. */
const abandonTimeoutMs = 5000;

export interface OpenConsumerDeps {
  readonly connection: RedisOptions;
  readonly processJob: ProcessJob;
  /** Called when the consumer stops taking jobs and waits for those in flight. */
  readonly onClose: () => void;
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
  const { connection, processJob, onClose, telemetry, log, metrics } = deps;
  const { queue, prefix } = getPartitionName(options.prefix, partition);
  // One BullMQ worker per partition: several would not receive its jobs in the queue's order.
  const jobs = new ReturnableJobs(processJob, log);
  const worker = new Worker<UpdatesJob, void>(queue, (job, token) => jobs.process(job, token), {
    connection,
    prefix,
    telemetry,
    ...consumerOptions,
    stalledInterval,
    autorun: false,
  });
  attachEventHandlers(worker, log, metrics);
  void run(worker, log);
  return {
    setConcurrencyShare: (consumerCount) => {
      worker.concurrency = Math.ceil(options.concurrency / consumerCount);
    },
    close: () => {
      onClose();
      return worker.close();
    },
    abandon: async () => {
      const closed = worker.close().then(() => true);
      jobs.returnAll();
      if (await withTimeoutValue(closed, abandonTimeoutMs, false)) return;
      // An ordinary `close` waits indefinitely for a connection that is being reopened. This makes BullMQ accept a forced one.
      worker.closing = undefined;
      await worker.close(true);
    },
  };
}

/** Starts taking jobs, first those of the partition's former worker. */
async function run(worker: Worker<UpdatesJob, void>, log: Logger): Promise<void> {
  try {
    const reclaimed = await reclaimJobs(worker);
    if (reclaimed > 0)
      log.info({ queue: worker.name, jobs: reclaimed }, 'jobs of a former worker returned to the queue');
  } catch (err) {
    log.debug({ err, queue: worker.name }, 'jobs of a former worker are retried when their locks expire');
  }
  await worker.run().catch((error) => worker.emit('error', error));
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
