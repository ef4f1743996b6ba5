/** The composition root of a worker, to be read from top to bottom. It depends on every part, and no part depends on it. */
import { Queue } from 'bullmq';
import { createFieldStore } from '../db/field-store.ts';
import { createRevocationReader } from '../db/read/revocation-reader.ts';
import { readCommitDurability } from '../db/read/settings/commit-durability.ts';
import { readRuleSettings } from '../db/read/settings/rule-settings.ts';
import { createRetry } from '../db/transient-errors.ts';
import { RevocationList } from '../shared/auth/revocation-list.ts';
import { createDatabaseRefresh, RevocationPoller } from '../shared/auth/revocation-poller.ts';
import { SharedRevocations } from '../shared/auth/shared-revocations.ts';
import { FieldCache } from '../shared/cache/field-cache.ts';
import { directDatabaseUrl } from '../shared/config/config.ts';
import { applyUpdatesJob, type UpdatesJob } from '../shared/contract/job.ts';
import { DurabilityMonitor } from '../shared/durability/durability-monitor.ts';
import { createPseudonyms } from '../shared/history/pseudonyms.ts';
import { startTracing } from '../shared/observability/tracing.ts';
import { updatesJobOptions } from '../shared/queue/partitioned-queue.ts';
import { getPartitionName } from '../shared/queue/partitions.ts';
import { connectRedis, openWorkerConnection } from '../shared/redis/connect.ts';
import { ChangeSequencer } from './changes/change-sequencer.ts';
import { Committer } from './commit/committer.ts';
import { LowPriorityThrottle } from './commit/low-priority-throttle.ts';
import { startFallbackConsumer } from './consume/fallback-consumer.ts';
import { openConsumer } from './consume/open-consumer.ts';
import { PartitionConsumers } from './consume/partition-consumers.ts';
import { createJobProcessor } from './job-processor.ts';
import { createLeaseServers } from './leases/lease-servers.ts';
import { PartitionLeases } from './leases/partition-leases.ts';
import { startMaintenanceScheduler } from './maintenance/scheduler.ts';
import { recordCommit } from './observe/commit-metrics.ts';
import { createCommitTracer } from './observe/commit-tracing.ts';
import { createWorkerMetrics, measureHotFields } from './observe/metrics.ts';
import { exposeMetrics } from './observe/metrics-endpoint.ts';
import { TrafficRecorder } from './observe/traffic-recorder.ts';
import { startWebhooks } from './webhooks/start-webhooks.ts';
import type { WorkerDeps } from './worker-context.ts';

/** Starts consuming jobs. When the lifecycle stops, jobs in flight are finished and published, so that none stalls. */
export async function startWorker(deps: WorkerDeps): Promise<void> {
  const { config, log, lifecycle, db, redis, keys } = deps;
  const cache = new FieldCache(redis, keys, config.CACHE_TTL_SECONDS);
  const metrics = createWorkerMetrics();
  const tracing = await startTracing({ name: 'field-worker', config, log, lifecycle });
  const tracer = tracing && createCommitTracer(tracing);
  const retry = createRetry({
    signal: lifecycle.signal,
    onRetry: (err, attempt) => {
      metrics.commitRetries.inc();
      log.warn({ err, ...attempt }, 'retrying commit');
    },
  });
  const traffic = new TrafficRecorder({ redis, keys, log });
  lifecycle.onStop('traffic', () => traffic.close());
  const { connection, close } = openWorkerConnection(config.QUEUE_REDIS_URL, log);
  lifecycle.onStop('queue connection', close);
  const webhooks = startWebhooks(deps, connection);
  const changes = new ChangeSequencer({ db, redis, keys, log, onExtended: () => webhooks?.dispatchSoon() });
  lifecycle.onStop('change feed', () => changes.close());
  const committer = new Committer({
    store: createFieldStore(db, {
      usesPreparedStatements: !isPooled(config),
      pseudonyms: createPseudonyms(config.ERASURE_KEY),
    }),
    cache,
    log,
    retry,
    maxConcurrentCommits: config.COMMIT_CONCURRENCY,
    snapshotOptions: { snapshotEvery: config.SNAPSHOT_EVERY },
    trace: tracer,
    onCommit: (report) => {
      recordCommit(metrics, report, Date.now());
      traffic.record(report, Date.now());
      tracer?.record(report, Date.now());
      changes.add(report.applied.keys());
    },
  });
  measureHotFields(metrics, () => committer.hotFieldBytes);
  const { revocations, checkRevocations } = await startRevocationPoller(deps);
  const firstPartition = getPartitionName(config.QUEUE_PREFIX, 0);
  const queue = new Queue<UpdatesJob>(firstPartition.queue, {
    connection,
    prefix: firstPartition.prefix,
    defaultJobOptions: updatesJobOptions,
  });
  queue.on('error', (err) => log.debug({ err }, 'queue error'));
  lifecycle.onStop('queue', () => queue.close());
  const throttle = new LowPriorityThrottle({ committer, onPart: tracer?.captureSame });
  const processJob = createJobProcessor({
    throttle,
    cache,
    log,
    metrics,
    tracer,
    revocations,
    checkRevocations,
    gridSize: config.GRID_SIZE,
    readGridSize: async () => (await retry(() => readRuleSettings(db))).GRID_SIZE ?? config.GRID_SIZE,
    requeueIndividually: async (jobs) => {
      await queue.addBulk(jobs.map((data) => ({ name: applyUpdatesJob, data })));
    },
  });
  // The consumers' own connections retry without a limit, so they do not show whether Redis is reachable.
  const queueRedis = connectRedis(config.QUEUE_REDIS_URL, 'queue', log);
  lifecycle.onStop('queue check', () => queueRedis.disconnect());
  const consumers = new PartitionConsumers({
    log,
    openConsumer: (partition) =>
      openConsumer(
        { connection, processJob, onClose: () => throttle.flush(), telemetry: tracing?.telemetry, log, metrics },
        { prefix: config.QUEUE_PREFIX, concurrency: config.WORKER_CONCURRENCY },
        partition,
      ),
    onChange: (count) => metrics.leasedPartitions.set(count),
  });
  const leases = new PartitionLeases({
    servers: createLeaseServers({
      databaseUrl: directDatabaseUrl(config),
      ...{ db, redis: queueRedis, prefix: config.QUEUE_PREFIX },
    }),
    log,
    consumers,
    onLost: () => metrics.lostLeases.inc(),
  });
  startFallbackConsumer(deps, processJob, tracing?.telemetry);
  const commitDurability = new DurabilityMonitor({ server: 'postgres', read: () => readCommitDurability(db), log });
  commitDurability.start();
  lifecycle.onStop('durability monitor', () => commitDurability.close());
  exposeMetrics({
    ...deps,
    commitDurability,
    queueRedis,
    metrics,
    leases,
    isConsuming: () => leases.isRunning && !lifecycle.isStopping,
  });
  startMaintenanceScheduler({ ...deps, cache, metrics });
  lifecycle.onStop('consumers', () => leases.close());
  await leases.start();
}

/** Resolves once the revocations have been read: no job may be applied before that. Publishes them to APIs without PostgreSQL. */
async function startRevocationPoller({ db, log, lifecycle, redis, keys }: WorkerDeps) {
  const revocations = new RevocationList();
  const shared = new SharedRevocations(redis, keys);
  const poller = new RevocationPoller({
    source: 'postgres',
    refresh: createDatabaseRefresh(revocations, createRevocationReader(db)),
    log,
    onChecked: () =>
      void shared.publish(revocations).catch((err) => log.debug({ err }, 'revocations could not be published')),
  });
  const retry = createRetry({
    signal: lifecycle.signal,
    onRetry: (err, attempt) => log.warn({ err, ...attempt }, 'retrying to read the revocations'),
  });
  const checkRevocations = () => retry(() => poller.check());
  await checkRevocations();
  poller.start();
  lifecycle.onStop('revocations', () => poller.close());
  return { revocations, checkRevocations };
}

/** A separate direct URL means that `DATABASE_URL` leads to a pooler, where prepared statements are not kept. */
function isPooled(config: WorkerDeps['config']): boolean {
  return directDatabaseUrl(config) !== config.DATABASE_URL;
}
