/** A worker: takes jobs off the queue, hands them to the committer, and tells who waits. */
import { type Job, UnrecoverableError, Worker } from 'bullmq';
import { createRevocationReader } from '../db/revocation-reader.ts';
import { type ApplyUpdates, type ApplyUpdatesResult, createJobSchema, updatesQueue } from '../shared/contract/job.ts';
import { everyMinute } from '../shared/every-minute.ts';
import { FieldCache } from '../shared/field-cache.ts';
import type { Logger } from '../shared/log.ts';
import { patient } from '../shared/redis.ts';
import { RevocationList } from '../shared/revocation-list.ts';
import { RevocationWatch } from '../shared/revocation-watch.ts';
import { queuePrefix } from '../shared/update-queue.ts';
import { checkGrant } from './check-grant.ts';
import { Committer } from './committer.ts';
import type { WorkerDeps } from './deps.ts';
import { createRetry, describeFailure, isPassing, type Retry } from './failures.ts';
import { startFallbackWorker } from './fallback-worker.ts';
import { measureCommit } from './measure-commit.ts';
import { createWorkerMetrics, type WorkerMetrics } from './metrics.ts';
import { PerformanceLog } from './performance-log.ts';
import { startUpkeep } from './upkeep.ts';
import { startWatching } from './watch.ts';
import { workerOptions } from './worker-options.ts';

/** Starts taking jobs. Stops with the lifecycle: finishes and publishes what is in hand, leaves no job to stall. */
export async function startWorker(deps: WorkerDeps): Promise<void> {
  const { config, log, lifecycle, db, redis, names } = deps;
  const cache = new FieldCache(redis, names, config.CACHE_TTL_SECONDS);
  const metrics = createWorkerMetrics();
  const performanceLog = new PerformanceLog(log);
  everyMinute('performance log', () => performanceLog.report(), lifecycle);
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
    },
  });
  const revocations = await watchRevocations(deps, retry);
  const process = createProcessor({ committer, cache, log, metrics, revocations, gridSize: config.GRID_SIZE });
  const worker = new Worker<ApplyUpdates, ApplyUpdatesResult>(updatesQueue, process, {
    connection: { url: config.QUEUE_REDIS_URL, ...patient },
    prefix: queuePrefix(config.QUEUE_PREFIX),
    concurrency: config.WORKER_CONCURRENCY,
    ...workerOptions,
  });
  listen(worker, log, metrics);
  startFallbackWorker(deps, process);
  startWatching({ ...deps, metrics, isTaking: () => worker.isRunning() && !lifecycle.stopping });
  await startUpkeep({ ...deps, cache, metrics });
  lifecycle.onStop('worker', async () => {
    stopping.abort();
    await worker.close();
  });
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

interface ProcessorDeps {
  readonly committer: Committer;
  readonly cache: FieldCache;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
  readonly revocations: RevocationList;
  readonly gridSize: number;
}

/** The worker's translator of errors: what can never be applied fails for good, everything else comes back. */
function createProcessor({ committer, cache, log, metrics, revocations, gridSize }: ProcessorDeps) {
  const schema = createJobSchema(gridSize);
  const failForGood = (reason: string): never => {
    metrics.failedJobs.inc();
    throw new UnrecoverableError(reason);
  };
  return async ({ id, data }: Pick<Job, 'id' | 'data'>): Promise<ApplyUpdatesResult> => {
    const job = schema.safeParse(data);
    if (!job.success) return failForGood(`invalid_input: ${job.error.issues[0]?.message ?? 'unknown'}`);
    const refusal = checkGrant(job.data, revocations);
    if (refusal) return failForGood(refusal);
    try {
      // Ids count up as jobs are added.
      const result = await committer.submit(job.data, Number(id));
      const { replyTo } = job.data;
      if (replyTo) await sendReply(cache, log, replyTo, result);
      return result;
    } catch (error) {
      if (isPassing(error)) throw error;
      log.error({ err: error, field: job.data.field, device: job.data.device }, 'a job can never be applied');
      return failForGood(describeFailure(error));
    }
  };
}

/** A lost reply costs the waiting request a look into the log, and nothing else. */
async function sendReply(
  cache: FieldCache,
  log: Logger,
  to: NonNullable<ApplyUpdates['replyTo']>,
  result: ApplyUpdatesResult,
) {
  try {
    await cache.reply(to.process, JSON.stringify({ request: to.request, ...result }));
  } catch (err) {
    log.debug({ err }, 'a reply could not be sent');
  }
}

function listen(worker: Worker<ApplyUpdates, ApplyUpdatesResult>, log: Logger, metrics: WorkerMetrics): void {
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
