/**
 * The composition root of the API process: opens the connections, creates the services, adds the routes and listens.
 * Whatever has to be stopped registers with the lifecycle where it is created, and is stopped in reverse order.
 */
import { createTokenVerifier } from '../shared/auth/jwt.ts';
import { readOperators } from '../shared/auth/operators.ts';
import { toTokenIdentity } from '../shared/auth/revocation-list.ts';
import { RevocationPoller } from '../shared/auth/revocation-poller.ts';
import { SharedRevocations } from '../shared/auth/shared-revocations.ts';
import { FieldCache } from '../shared/cache/field-cache.ts';
import type { Config } from '../shared/config/config.ts';
import type { RuleSettings } from '../shared/config/rule-settings.ts';
import type { DurabilityMonitor } from '../shared/durability/durability-monitor.ts';
import { startMetricsServer } from '../shared/observability/metrics-server.ts';
import { measureDependencies, measureDurability, measurePool } from '../shared/observability/process-metrics.ts';
import { readTraffic } from '../shared/observability/traffic.ts';
import { measureQueues } from '../shared/queue/queue-metrics.ts';
import type { UpdateProducer } from '../shared/queue/update-producer.ts';
import { AdmissionControl } from './admission/admission-control.ts';
import { CounterGapCheck } from './admission/counter-gap-check.ts';
import { NewcomerLimits } from './admission/newcomer-limits.ts';
import { createApp } from './app.ts';
import { createFieldGuardFactory, withRevocationCheck } from './auth/field-auth.ts';
import { ChangeSignal } from './changes/change-signal.ts';
import { type Connections, openConnections, type ProcessDeps, statementTimeoutMs } from './connections.ts';
import type { App } from './fastify-types.ts';
import { createHealthCheck } from './health/health-check.ts';
import { type AllowedOrigin, listOrigins } from './http/cors-origins.ts';
import { addLegacyTrpc } from './legacy-trpc/legacy-services.ts';
import { createMetrics, measureStreamBuffers } from './metrics.ts';
import { createOperatorGuardFactory } from './operators/operator-guard.ts';
import { OperatorLog } from './operators/operator-log.ts';
import { createOverviewReader } from './operators/overview/read-overview.ts';
import { Samples } from './operators/overview/samples.ts';
import { createUpdatesSearch } from './operators/search/search-updates.ts';
import { Presence } from './presence/presence.ts';
import { createRateLimits } from './rate-limits/rate-limits.ts';
import { RedisSubscriber } from './redis-subscriber.ts';
import { addErrorDocsRoute } from './routes/error-docs.ts';
import { addExportRoutes } from './routes/export.ts';
import { addFieldsRoutes } from './routes/fields.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addHistoryRoutes } from './routes/history.ts';
import { addOperatorRoutes } from './routes/operators.ts';
import { addPageRoutes } from './routes/page.ts';
import { addChangeRoutes } from './routes/pipelines/changes.ts';
import { addPresenceRoutes } from './routes/presence.ts';
import { addStateRoutes } from './routes/state.ts';
import { addStreamRoutes } from './routes/streams.ts';
import { addDeviceRoutes } from './routes/tokens/devices.ts';
import { addViewerTokenRoutes } from './routes/tokens/viewer-tokens.ts';
import { addUpdateRoutes } from './routes/updates.ts';
import { LatestVersions } from './state/latest-versions.ts';
import { ThreadedStateLoader } from './state/loading/threaded-state-loader.ts';
import { PastStates } from './state/past-states.ts';
import { StateReader } from './state/state-reader.ts';
import { StreamHub } from './streaming/stream-hub.ts';
import { StreamRegistry } from './streaming/transports/stream-registry.ts';
import { TurnBudget } from './streaming/transports/turn-budget.ts';
import { UnhandledBytes } from './streaming/transports/unhandled-bytes.ts';
import { createAcceptMessage, createAcceptUpdates } from './updates/accept-updates.ts';
import { PendingReplies } from './updates/pending-replies.ts';

export interface RunningApi {
  /** For example `http://127.0.0.1:3000` */
  readonly address: string;
  readonly producer: UpdateProducer;
  readonly commitDurability: DurabilityMonitor;
  readonly readRuleSettings: () => Promise<RuleSettings>;
}

/** Resolves once the API listens, which can take as long as PostgreSQL is unavailable. */
export async function startApi(deps: ProcessDeps): Promise<RunningApi> {
  const { config, log, lifecycle } = deps;
  const connections = await openConnections(deps);
  const services = createServices(deps, connections);
  const { metrics, replies, streams, checkHealth } = services;

  const origins = listOrigins(config);
  const isStopping = () => lifecycle.isStopping;
  const app = await createApp({ config, log, metrics, tracing: connections.tracing, origins, isStopping });
  await addRoutes(app, { config, origins, isStopping, connections, services });
  lifecycle.onStop('http server', () => app.close());
  const address = await app.listen({ host: config.HOST, port: config.PORT });
  // Before the HTTP server, which waits for the requests and the streams that are open.
  lifecycle.onStop('streams and waiting requests', () => {
    replies.close();
    return streams.drain();
  });

  startMetricsServer({
    host: config.METRICS_HOST,
    port: config.METRICS_PORT,
    registry: metrics.registry,
    check: async () => {
      const { status, checks, canRead, canWrite } = await checkHealth();
      return { status, checks, isReady: canRead && canWrite };
    },
    log,
    lifecycle,
  });
  const { producer, commitDurability, readRuleSettings } = connections;
  return { address, producer, commitDurability, readRuleSettings };
}

/** Creates the services that the routes share. */
export function createServices({ config, log, lifecycle }: ProcessDeps, connections: Connections) {
  const { reader, producer, commitDurability, cacheRedis, subscriberRedis, keys, traceDelivery } = connections;
  const { revocations, refreshRevocations } = connections;
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

  const onChange = () => streams.closeRevoked();
  const sharedRevocations = new SharedRevocations(cacheRedis, keys);
  const refreshFromCache = () => sharedRevocations.refresh(revocations);
  const revocationPollers = [
    new RevocationPoller({ source: 'postgres', refresh: refreshRevocations, log, onChange }),
    new RevocationPoller({ source: 'cache', refresh: refreshFromCache, log, onChange }),
  ];
  for (const poller of revocationPollers) {
    poller.start();
    lifecycle.onStop('revocation poller', () => poller.close());
  }
  void redisSubscriber.subscribe(keys.revocationChannel, () => {
    for (const poller of revocationPollers) void poller.poll();
  });

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
  metrics.backlogLimit.set(config.MAX_BACKLOG);
  measureStreamBuffers(metrics, () => streams.bufferedBytes());
  measurePool(metrics.registry, connections.readPoolUsage);
  measureQueues(metrics.registry, () => producer.readStats());
  measureDurability(metrics.registry, {
    queue: () => producer.durability.weaknesses.length > 0,
    postgres: () => commitDurability.weaknesses.length > 0,
  });
  measureDependencies(metrics.registry, async () => {
    const { database, queue, cache } = (await checkHealth()).checks;
    return { postgres: database.status === 'up', queue: queue.status === 'up', cache: cache.status === 'up' };
  });
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

interface RoutesDeps {
  readonly config: Config;
  readonly origins: readonly AllowedOrigin[];
  readonly isStopping: () => boolean;
  readonly connections: Connections;
  readonly services: ReturnType<typeof createServices>;
}

/** @throws ConfigError when `OPERATORS_FILE` cannot be used */
async function addRoutes(app: App, { config, origins, isStopping, connections, services }: RoutesDeps): Promise<void> {
  const { reader, readExportPages: readPages, producer, revocations, clock } = connections;
  const { metrics, versions, presence, states, pastStates, verifyToken, replies, hub, limits, streams } = services;
  const { admission, acceptUpdates, acceptMessage, checkHealth, operatorLog, readOverview, changeSignal } = services;
  const createGuard = createFieldGuardFactory({ verifyToken, limits });
  const readGuard = createGuard('field:read');
  const writeGuard = createGuard('field:write');
  const inboxes = { turns: new TurnBudget(), unhandled: new UnhandledBytes() };
  const stream = { hub, presence, streams, verifyToken, metrics, clock, limits };
  const sessions = { config, acceptMessage, ...stream, ...inboxes };

  addHealthRoutes(app, { check: checkHealth, isStopping });
  addDeviceRoutes(app, { config, revocations, limits });
  addViewerTokenRoutes(app, { config, guard: readGuard, limits });
  addUpdateRoutes(app, { config, guard: writeGuard, admission, acceptUpdates, replies, reader, versions, clock });
  addStateRoutes(app, { guard: readGuard, states, pastStates, presence, versions, metrics });
  addPresenceRoutes(app, { guard: readGuard, presence });
  addFieldsRoutes(app, { guard: readGuard, listFields: connections.listFields });
  addHistoryRoutes(app, { config, guard: readGuard, reader });
  addExportRoutes(app, { guard: readGuard, reader, readPages, verifyToken, limits, isStopping });
  addStreamRoutes(app, { guard: readGuard, limits, states, origins, isStopping, sessions });
  if (config.LEGACY_TRPC_FIELD) {
    const { cacheRedis, keys } = connections;
    const deps = {
      config,
      admission,
      cacheRedis,
      clock,
      keys,
      limits,
      metrics,
      presence,
      reader,
      replies,
      revocations,
      states,
      versions,
    };
    await addLegacyTrpc(app, config.LEGACY_TRPC_FIELD, { ...deps, acceptUpdates: services.acceptLegacyUpdates });
  }
  addErrorDocsRoute(app);
  await addPageRoutes(app, config);
  const operators = readOperators(config);
  const createOperatorGuard = createOperatorGuardFactory({ verifyToken, limits, operators, operatorLog });
  addChangeRoutes(app, {
    guard: createOperatorGuard(() => 'changes:read'),
    ...{ feed: connections.changeFeed, signal: changeSignal, verifyToken, limits, operatorLog, isStopping },
  });
  const searchUpdates = createUpdatesSearch(connections.searchLog);
  const { listOperatorActions, changeRun } = connections;
  const pages = { producer, operatorLog, readOverview, searchUpdates, listOperatorActions, changeRun };
  addOperatorRoutes(app, { config, createGuard: createOperatorGuard, producer, metrics, operatorLog, pages });
}
