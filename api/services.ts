/** Creates the services that routes share, and starts those that run by themselves. */
import { createTokenVerifier } from '../shared/auth/jwt.ts';
import { toTokenIdentity } from '../shared/auth/revocation-list.ts';
import { RevocationPoller } from '../shared/auth/revocation-poller.ts';
import { SharedRevocations } from '../shared/auth/shared-revocations.ts';
import { FieldCache } from '../shared/cache/field-cache.ts';
import { measureDependencies, measureDurability, measurePool } from '../shared/observability/process-metrics.ts';
import { readTraffic } from '../shared/observability/traffic.ts';
import { measureQueues } from '../shared/queue/queue-metrics.ts';
import { AdmissionControl } from './admission/admission-control.ts';
import { CounterGapCheck } from './admission/counter-gap-check.ts';
import { NewcomerLimits } from './admission/newcomer-limits.ts';
import { withRevocationCheck } from './auth/field-auth.ts';
import { ChangeSignal } from './changes/change-signal.ts';
import { type Connections, type ProcessDeps, statementTimeoutMs } from './connections.ts';
import { createHealthCheck } from './health/health-check.ts';
import { type ApiMetrics, createMetrics, measureStreamBuffers } from './metrics.ts';
import { OperatorLog } from './operators/operator-log.ts';
import { createOverviewReader } from './operators/overview/read-overview.ts';
import { Samples } from './operators/overview/samples.ts';
import { Presence } from './presence/presence.ts';
import { createRateLimits } from './rate-limits/rate-limits.ts';
import { RedisSubscriber } from './redis-subscriber.ts';
import { LatestVersions } from './state/latest-versions.ts';
import { ThreadedStateLoader } from './state/loading/threaded-state-loader.ts';
import { PastStates } from './state/past-states.ts';
import { StateReader } from './state/state-reader.ts';
import { StreamHub } from './streaming/stream-hub.ts';
import { StreamRegistry } from './streaming/transports/stream-registry.ts';
import { createAcceptMessage, createAcceptUpdates } from './updates/accept-updates.ts';
import { PendingReplies } from './updates/pending-replies.ts';

export type Services = ReturnType<typeof createServices>;

export function createServices(deps: ProcessDeps, connections: Connections) {
  const { config, log, lifecycle } = deps;
  const { reader, producer, commitDurability, cacheRedis, subscriberRedis, keys, traceDelivery } = connections;
  const { revocations } = connections;
  const metrics = createMetrics();
  const cache = new FieldCache(cacheRedis, keys, config.CACHE_TTL_SECONDS);
  const versions = new LatestVersions(cache);
  const loader = new ThreadedStateLoader({
    url: config.DATABASE_URL,
    applicationName: 'field-api-loader',
    statementTimeoutMs,
    logLevel: config.LOG_LEVEL,
  });
  lifecycle.onStop('state loader', () => loader.close());
  const states = new StateReader({ cache, reader, loader, log });
  const pastStates = new PastStates(loader);
  const verifyToken = withRevocationCheck(createTokenVerifier(config), revocations);
  const redisSubscriber = new RedisSubscriber(subscriberRedis, log);
  lifecycle.onStop('channels', () => redisSubscriber.close());
  const changeSignal = new ChangeSignal(redisSubscriber, keys);
  const replies = new PendingReplies(redisSubscriber, keys);
  const { GRID_SIZE: gridSize } = config;
  const presence = new Presence({ redis: cacheRedis, redisSubscriber, keys, clock: connections.clock, gridSize, log });
  lifecycle.onStop('presence', () => presence.close());
  const sources = { states, reader, presence, redisSubscriber, keys, versions };
  const hub = new StreamHub({ ...sources, metrics, log, gridSize, traceDelivery });
  lifecycle.onStop('stream hub', () => hub.close());
  const limits = createRateLimits(config, cacheRedis, keys.limitPrefix);
  lifecycle.onStop('rate limits', () => limits.close());
  const streams = new StreamRegistry({
    streamLimiter: limits.streams,
    onChange: (transport, change) => metrics.streams.inc({ transport }, change),
    isRevoked: (claims) => revocations.isRevoked(toTokenIdentity(claims)),
  });
  lifecycle.onStop('stream registry', () => streams.close());

  const operatorLog = new OperatorLog({ insert: connections.insertOperatorActions, log });
  lifecycle.onStop('operator log', () => operatorLog.close());
  startRevocationPollers(deps, connections, { redisSubscriber, onChange: () => streams.closeRevoked() });

  const admission = new AdmissionControl({
    producer,
    maxJobs: config.MAX_BACKLOG,
    maxQueueMemoryMb: config.MAX_QUEUE_MEMORY_MB,
    log,
    onBacklogCount: (waiting) => metrics.backlog.set(waiting),
  });
  admission.start();
  lifecycle.onStop('admission control', () => admission.close());
  const counterGapCheck = new CounterGapCheck(reader);
  const acceptDeps = {
    clock: connections.clock,
    producer,
    limits,
    admission,
    counterGapCheck,
    newcomerLimits: new NewcomerLimits({ reader, versions, limits }),
    revocations,
    versions,
    presence,
    metrics,
  };
  const acceptUpdates = createAcceptUpdates(acceptDeps);
  const acceptMessage = createAcceptMessage({ admission, acceptUpdates });

  const checkHealth = createHealthCheck({
    ...{ reader, cacheRedis, producer, commitDurability, admission, log },
    countWorkers: connections.countWorkers,
    allowsWeakDurability: config.ALLOW_WEAK_DURABILITY,
  });
  const samples = new Samples({
    async countBacklog() {
      const { redis, postgres } = await producer.readStats();
      return redis && redis.waiting + redis.active + (postgres?.waiting ?? 0) + (postgres?.active ?? 0);
    },
    countAccepted: async () => (await metrics.accepted.get()).values.reduce((sum, { value }) => sum + value, 0),
  });
  samples.start();
  lifecycle.onStop('samples', () => samples.close());
  measureServices(deps, connections, { metrics, streams, checkHealth });
  return {
    metrics,
    versions,
    presence,
    states,
    pastStates,
    verifyToken,
    replies,
    hub,
    limits,
    streams,
    admission,
    acceptUpdates,
    // Apps of the original write under several ids, and are present under one of them.
    acceptLegacyUpdates: createAcceptUpdates({ ...acceptDeps, presence: { touch: () => undefined } }),
    acceptMessage,
    checkHealth,
    operatorLog,
    changeSignal,
    readOverview: createOverviewReader({
      ...{ checkHealth, producer, samples, log },
      readDatabase: connections.readDatabaseOverview,
      readTraffic: () => readTraffic(cacheRedis, keys, Date.now()),
      allowsWeakDurability: config.ALLOW_WEAK_DURABILITY,
    }),
  };
}

interface RevocationPollersDeps {
  readonly redisSubscriber: RedisSubscriber;
  readonly onChange: () => void;
}

/** Reads revocations from PostgreSQL and from the cache, at intervals and whenever one is announced. */
function startRevocationPollers(
  { log, lifecycle }: ProcessDeps,
  { cacheRedis, keys, revocations, refreshRevocations }: Connections,
  { redisSubscriber, onChange }: RevocationPollersDeps,
): void {
  const sharedRevocations = new SharedRevocations(cacheRedis, keys);
  const refreshFromCache = () => sharedRevocations.refresh(revocations);
  const pollers = [
    new RevocationPoller({ source: 'postgres', refresh: refreshRevocations, log, onChange }),
    new RevocationPoller({ source: 'cache', refresh: refreshFromCache, log, onChange }),
  ];
  for (const poller of pollers) {
    poller.start();
    lifecycle.onStop('revocation poller', () => poller.close());
  }
  void redisSubscriber.subscribe(keys.revocationChannel, () => {
    for (const poller of pollers) void poller.poll();
  });
}

interface MeasuredServices {
  readonly metrics: ApiMetrics;
  readonly streams: StreamRegistry;
  readonly checkHealth: ReturnType<typeof createHealthCheck>;
}

/** Adds the metrics that are read when Prometheus asks for them. */
function measureServices(
  { config }: ProcessDeps,
  { producer, commitDurability, readPoolUsage }: Connections,
  { metrics, streams, checkHealth }: MeasuredServices,
): void {
  metrics.backlogLimit.set(config.MAX_BACKLOG);
  measureStreamBuffers(metrics, () => streams.bufferedBytes());
  measurePool(metrics.registry, readPoolUsage);
  measureQueues(metrics.registry, () => producer.readStats());
  measureDurability(metrics.registry, {
    queue: () => producer.durability.weaknesses.length > 0,
    postgres: () => commitDurability.weaknesses.length > 0,
  });
  measureDependencies(metrics.registry, async () => {
    const { database, queue, cache } = (await checkHealth()).checks;
    return { postgres: database.status === 'up', queue: queue.status === 'up', cache: cache.status === 'up' };
  });
}
