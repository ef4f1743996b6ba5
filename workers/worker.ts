/** A worker: puts its parts together, and takes jobs off the queue. */
import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { createRevocationReader } from '../db/read/revocation-reader.ts';
import { createRetry } from '../db/transient-errors.ts';
import { RevocationList } from '../shared/auth/revocation-list.ts';
import { RevocationPoller } from '../shared/auth/revocation-poller.ts';
import { FieldCache } from '../shared/cache/field-cache.ts';
import { applyUpdatesJob, type UpdatesJob } from '../shared/contract/job.ts';
import { reportPeriodically } from '../shared/every-minute.ts';
import { startTracing } from '../shared/observability/tracing.ts';
import type { Logger } from '../shared/process/logger.ts';
import type { Retry } from '../shared/process/retry.ts';
import { updatesJobOptions } from '../shared/queue/partitioned-queue.ts';
import { getPartitionName } from '../shared/queue/partitions.ts';
import { connectRedis, openWorkerConnection } from '../shared/redis/connect.ts';
import { Committer } from './commit/committer.ts';
import { consumerOptions } from './consume/consumer-options.ts';
import { startFallbackConsumer } from './consume/fallback-consumer.ts';
import { PartitionConsumers } from './consume/partition-consumers.ts';
import { createJobProcessor } from './job-processor.ts';
import { startMaintenanceScheduler } from './maintenance/scheduler.ts';
import { recordCommit } from './observe/commit-metrics.ts';
import { createCommitTracer } from './observe/commit-tracing.ts';
import { createWorkerMetrics, type WorkerMetrics } from './observe/metrics.ts';
import { exposeMetrics } from './observe/metrics-endpoint.ts';
import { PerformanceLog } from './performance-log.ts';
import type { WorkerDeps } from './worker-context.ts';

/** Starts taking jobs. Stops with the lifecycle: finishes and publishes what is in hand, leaves no job to stall. */
export async function startWorker(deps: WorkerDeps): Promise<void> {
  const { config, log, lifecycle, db, redis, keys } = deps;
  const cache = new FieldCache(redis, keys, config.CACHE_TTL_SECONDS);
  const metrics = createWorkerMetrics();
  const performanceLog = new PerformanceLog(log);
  reportPeriodically('performance log', () => performanceLog.report(), lifecycle);
  const tracing = await startTracing({ name: 'field-worker', config, log, lifecycle });
  const tracer = tracing && createCommitTracer(tracing);
  const stopping = new AbortController();
  const retry = createRetry({
    signal: stopping.signal,
    onRetry: (err, attempt) => {
      metrics.commitRetries.inc();
      log.warn({ err, ...attempt }, 'a commit is tried again');
    },
  });
  const committer = new Committer({
    db,
    cache,
    log,
    retry,
    maxConcurrentCommits: config.COMMIT_LANES,
    commitOptions: { snapshotEvery: config.SNAPSHOT_EVERY },
    onCommit: (report) => {
      recordCommit(metrics, report, Date.now());
      performanceLog.record(report);
      tracer?.record(report, Date.now());
    },
  });
  const revocations = await startRevocationPoller(deps, retry);
  const { connection, close } = openWorkerConnection(config.QUEUE_REDIS_URL, log);
  lifecycle.onStop('queue connection', close);
  const firstPartition = getPartitionName(config.QUEUE_PREFIX, 0);
  const queue = new Queue<UpdatesJob>(firstPartition.queue, {
    connection,
    prefix: firstPartition.prefix,
    defaultJobOptions: updatesJobOptions,
  });
  queue.on('error', (err) => log.debug({ err }, 'queue error'));
  lifecycle.onStop('queue', () => queue.close());
  const processJob = createJobProcessor({
    committer,
    cache,
    log,
    metrics,
    tracer,
    revocations,
    gridSize: config.GRID_SIZE,
    requeueIndividually: async (jobs) => {
      await queue.addBulk(jobs.map((data) => ({ name: applyUpdatesJob, data })));
    },
  });
  const openConsumer = (partition: number) => {
    const { queue: name, prefix } = getPartitionName(config.QUEUE_PREFIX, partition);
    // One: several would share Redis's writes to its disk, but hand over jobs in another order than the queue's.
    const worker = new Worker<UpdatesJob, void>(name, processJob, {
      connection,
      prefix,
      telemetry: tracing?.telemetry,
      ...consumerOptions,
    });
    attachEventHandlers(worker, log, metrics);
    return {
      // What a worker has in hand is bounded for all of its queues together, but for one job of each.
      setConcurrencyShare: (consumerCount: number) => {
        worker.concurrency = Math.ceil(config.WORKER_CONCURRENCY / consumerCount);
      },
      close: () => worker.close(),
    };
  };
  // The readers' own connections wait for Redis, and cannot be asked whether it is there.
  const queueRedis = connectRedis(config.QUEUE_REDIS_URL, 'queue', log);
  lifecycle.onStop('queue check', () => queueRedis.disconnect());
  const partitionConsumers = new PartitionConsumers({
    redis: queueRedis,
    prefix: config.QUEUE_PREFIX,
    workerId: randomUUID(),
    log,
    openConsumer,
  });
  startFallbackConsumer(deps, processJob, tracing?.telemetry);
  exposeMetrics({
    ...deps,
    queueRedis,
    metrics,
    isConsuming: () => partitionConsumers.isConsuming && !lifecycle.isStopping,
  });
  const maintenance = startMaintenanceScheduler({ ...deps, cache, metrics });
  // The first to stop, and also while upkeep still waits for Redis.
  lifecycle.onStop('readers', async () => {
    stopping.abort();
    await partitionConsumers.close();
  });
  await Promise.all([maintenance, partitionConsumers.start()]);
}

/** Nothing is taken off the queue before it is known whose tokens are revoked. */
async function startRevocationPoller({ db, log, lifecycle }: WorkerDeps, retry: Retry): Promise<RevocationList> {
  const list = new RevocationList();
  const read = createRevocationReader(db);
  list.apply(await retry(() => read(0)));
  const poller = new RevocationPoller({ list, read, log });
  poller.start();
  lifecycle.onStop('revocations', () => poller.close());
  return list;
}

function attachEventHandlers(worker: Worker<UpdatesJob, void>, log: Logger, metrics: WorkerMetrics): void {
  let isDown = false;
  worker.on('error', (err) => {
    if (!isDown) log.warn({ err }, 'worker connection lost');
    isDown = true;
  });
  worker.on('ready', () => {
    if (isDown) log.info('worker connection ready');
    isDown = false;
  });
  worker.on('failed', (job, err) => log.warn({ err, job: job?.id }, 'a job failed'));
  worker.on('stalled', (job) => {
    metrics.stalledJobs.inc();
    log.warn({ job }, 'a job had lost its worker');
  });
  worker.on('lockRenewalFailed', (jobs) => {
    metrics.lostJobLocks.inc(jobs.length);
    log.warn({ jobs: jobs.length }, 'locks could not be renewed');
  });
}
