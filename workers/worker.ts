/** A worker: puts its parts together, and takes jobs off the queue. */
import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { createRevocationReader } from '../db/read/revocation-reader.ts';
import { createRetry, type Retry } from '../db/transient-errors.ts';
import { RevocationList } from '../shared/auth/revocation-list.ts';
import { RevocationWatch } from '../shared/auth/revocation-poller.ts';
import { FieldCache } from '../shared/cache/field-cache.ts';
import { applyUpdatesJob, type UpdatesJob } from '../shared/contract/job.ts';
import { everyMinute } from '../shared/every-minute.ts';
import { startTracing } from '../shared/observability/tracing.ts';
import type { Logger } from '../shared/process/logger.ts';
import { updatesJobOptions } from '../shared/queue/partitioned-queue.ts';
import { nameOfPartition } from '../shared/queue/partitions.ts';
import { connectRedis, openWorkerConnection } from '../shared/redis/connect.ts';
import { Committer } from './commit/committer.ts';
import { workerOptions } from './consume/consumer-options.ts';
import { startFallbackWorker } from './consume/fallback-consumer.ts';
import { QueueReaders } from './consume/partition-consumers.ts';
import { createProcessor } from './job-processor.ts';
import { startUpkeep } from './maintenance/scheduler.ts';
import { measureCommit } from './observe/commit-metrics.ts';
import { createCommitTracer } from './observe/commit-tracing.ts';
import { createWorkerMetrics, type WorkerMetrics } from './observe/metrics.ts';
import { startWatching } from './observe/metrics-endpoint.ts';
import { PerformanceLog } from './performance-log.ts';
import type { WorkerDeps } from './worker-context.ts';

/** Starts taking jobs. Stops with the lifecycle: finishes and publishes what is in hand, leaves no job to stall. */
export async function startWorker(deps: WorkerDeps): Promise<void> {
  const { config, log, lifecycle, db, redis, names } = deps;
  const cache = new FieldCache(redis, names, config.CACHE_TTL_SECONDS);
  const metrics = createWorkerMetrics();
  const performanceLog = new PerformanceLog(log);
  everyMinute('performance log', () => performanceLog.report(), lifecycle);
  const tracing = await startTracing({ name: 'field-worker', config, log, lifecycle });
  const tracer = tracing && createCommitTracer(tracing);
  const stopping = new AbortController();
  const retry = createRetry({
    signal: stopping.signal,
    onRetry: (err, attempt) => {
      metrics.retries.inc();
      log.warn({ err, attempt }, 'a commit is tried again');
    },
  });
  const committer = new Committer({
    db,
    cache,
    log,
    retry,
    lanes: config.COMMIT_LANES,
    settings: { snapshotEvery: config.SNAPSHOT_EVERY },
    onCommit: (report) => {
      measureCommit(metrics, report, Date.now());
      performanceLog.note(report);
      tracer?.record(report, Date.now());
    },
  });
  const revocations = await watchRevocations(deps, retry);
  const { connection, close } = openWorkerConnection(config.QUEUE_REDIS_URL, log);
  lifecycle.onStop('queue connection', close);
  const first = nameOfPartition(config.QUEUE_PREFIX, 0);
  const queue = new Queue<UpdatesJob>(first.queue, {
    connection,
    prefix: first.prefix,
    defaultJobOptions: updatesJobOptions,
  });
  queue.on('error', (err) => log.debug({ err }, 'queue error'));
  lifecycle.onStop('queue', () => queue.close());
  const process = createProcessor({
    committer,
    cache,
    log,
    metrics,
    tracer,
    revocations,
    gridSize: config.GRID_SIZE,
    requeueAlone: async (jobs) => {
      await queue.addBulk(jobs.map((data) => ({ name: applyUpdatesJob, data })));
    },
  });
  const open = (partition: number) => {
    const { queue: name, prefix } = nameOfPartition(config.QUEUE_PREFIX, partition);
    // One: several would share Redis's writes to its disk, but hand over jobs in another order than the queue's.
    const worker = new Worker<UpdatesJob, void>(name, process, {
      connection,
      prefix,
      telemetry: tracing?.telemetry,
      ...workerOptions,
    });
    listen(worker, log, metrics);
    return {
      // What a worker has in hand is bounded for all of its queues together, but for one job of each.
      takePartOf: (readers: number) => {
        worker.concurrency = Math.ceil(config.WORKER_CONCURRENCY / readers);
      },
      close: () => worker.close(),
    };
  };
  // The readers' own connections wait for Redis, and cannot be asked whether it is there.
  const queueRedis = connectRedis(config.QUEUE_REDIS_URL, 'queue', log);
  lifecycle.onStop('queue check', () => queueRedis.disconnect());
  const readers = new QueueReaders({
    redis: queueRedis,
    prefix: config.QUEUE_PREFIX,
    worker: randomUUID(),
    log,
    open,
  });
  startFallbackWorker(deps, process, tracing?.telemetry);
  startWatching({ ...deps, queueRedis, metrics, isTaking: () => readers.isReading && !lifecycle.stopping });
  const upkeep = startUpkeep({ ...deps, cache, metrics });
  // The first to stop, and also while upkeep still waits for Redis.
  lifecycle.onStop('readers', async () => {
    stopping.abort();
    await readers.close();
  });
  await Promise.all([upkeep, readers.start()]);
}

/** Nothing is taken off the queue before it is known whose tokens are revoked. */
async function watchRevocations({ db, log, lifecycle }: WorkerDeps, retry: Retry): Promise<RevocationList> {
  const list = new RevocationList();
  const read = createRevocationReader(db);
  list.take(await retry(() => read(0)));
  const watch = new RevocationWatch({ list, read, log });
  watch.start();
  lifecycle.onStop('revocations', () => watch.close());
  return list;
}

function listen(worker: Worker<UpdatesJob, void>, log: Logger, metrics: WorkerMetrics): void {
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
    metrics.lostLocks.inc(jobs.length);
    log.warn({ jobs: jobs.length }, 'locks could not be renewed');
  });
}
