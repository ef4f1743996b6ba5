/**
 * Opens the connections of an API process and registers how they are closed. Waits for PostgreSQL, because the cache keys
 * contain the installation's id and no request may be served before the revoked tokens are known. Redis may come up later.
 */
import type { Redis } from 'ioredis';
import { connectDatabase, readPoolUsage } from '../db/connect.ts';
import { readLeaseHolders } from '../db/leases/lease-holders.ts';
import { changeRun, type RunChange } from '../db/operators/enqueue-run.ts';
import {
  listShownOperatorActions,
  type OperatorAction,
  type OperatorActionFilter,
  recordOperatorActions,
  type ShownOperatorActionRow,
} from '../db/operators/operator-action.ts';
import { type DatabaseOverview, readDatabaseOverview } from '../db/operators/overview.ts';
import { type ChangeFeedReader, createChangeFeedReader } from '../db/read/changes/read-changes.ts';
import { type ExportPage, type ExportRange, readExportPages } from '../db/read/export/export-log.ts';
import { createFieldReader, type FieldReader } from '../db/read/field-reader.ts';
import { type FoundUpdate, type LogSearch, searchLog } from '../db/read/log/search-log.ts';
import { type FieldsPage, readFieldsPage } from '../db/read/pages/fields-page.ts';
import { createRevocationReader } from '../db/read/revocation-reader.ts';
import { readServerTime } from '../db/read/server-time.ts';
import { readCommitDurability } from '../db/read/settings/commit-durability.ts';
import { findErasureKeyProblem } from '../db/read/settings/erasure-key.ts';
import { readRuleSettings } from '../db/read/settings/rule-settings.ts';
import { RevocationList } from '../shared/auth/revocation-list.ts';
import { createDatabaseRefresh } from '../shared/auth/revocation-poller.ts';
import { type CacheKeys, createCacheKeys } from '../shared/cache/cache-keys.ts';
import { type Config, ConfigError, directDatabaseUrl } from '../shared/config/config.ts';
import { describeRuleConflicts, type RuleSettings } from '../shared/config/rule-settings.ts';
import { DurabilityMonitor } from '../shared/durability/durability-monitor.ts';
import { createPseudonyms } from '../shared/history/pseudonyms.ts';
import { createDeliveryTracer, type TraceDelivery } from '../shared/observability/delivery-spans.ts';
import type { PoolUsage } from '../shared/observability/process-metrics.ts';
import { startTracing, type Tracing } from '../shared/observability/tracing.ts';
import type { Lifecycle } from '../shared/process/lifecycle.ts';
import type { Logger } from '../shared/process/logger.ts';
import { retry } from '../shared/process/retry.ts';
import { FallbackQueue } from '../shared/queue/fallback-queue.ts';
import { UpdateProducer } from '../shared/queue/update-producer.ts';
import { connectRedis, failFast } from '../shared/redis/connect.ts';
import { ServerClock } from './server-clock.ts';

/** The dependencies of every part of the process. */
export interface ProcessDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

export interface Connections {
  readonly reader: FieldReader;
  readonly readDatabaseOverview: () => Promise<DatabaseOverview>;
  readonly listFields: (range: Parameters<typeof readFieldsPage>[1]) => Promise<FieldsPage>;
  /** The log in pages. Each is read only after the previous one was consumed. */
  readonly readExportPages: (range: ExportRange) => AsyncIterable<ExportPage>;
  readonly changeFeed: ChangeFeedReader;
  readonly readPoolUsage: () => PoolUsage;
  /** How many workers are running. @throws if PostgreSQL does not answer */
  readonly countWorkers: () => Promise<number>;
  /** Undefined unless tracing is configured. */
  readonly tracing: Tracing | undefined;
  readonly traceDelivery: TraceDelivery | undefined;
  readonly producer: UpdateProducer;
  /** How durable the commits of PostgreSQL are. */
  readonly commitDurability: DurabilityMonitor;
  readonly cacheRedis: Redis;
  /** Used for channel subscriptions only. */
  readonly subscriberRedis: Redis;
  readonly keys: CacheKeys;
  /** Has already been read once. */
  readonly clock: ServerClock;
  /** Has already been read once. */
  readonly revocations: RevocationList;
  /** Brings `revocations` up to date from PostgreSQL. */
  readonly refreshRevocations: () => Promise<boolean>;
  readonly readRuleSettings: () => Promise<RuleSettings>;
  readonly searchLog: (search: LogSearch) => Promise<FoundUpdate[]>;
  readonly listOperatorActions: (filter: OperatorActionFilter) => Promise<ShownOperatorActionRow[]>;
  /** @returns whether the run was in a status in which this can be done */
  readonly changeRun: (id: string, change: RunChange) => Promise<boolean>;
  readonly insertOperatorActions: (actions: readonly OperatorAction[]) => Promise<void>;
}

/** Short, because a client waits for the response. */
export const statementTimeoutMs = 5000;

/** @throws ConfigError if the settings differ from those of the installation */
export async function openConnections(deps: ProcessDeps): Promise<Connections> {
  const { config, log, lifecycle } = deps;
  const database = connectDatabase({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL_SIZE,
    applicationName: 'field-api',
    log,
    statementTimeoutMs,
  });
  lifecycle.onStop('database', () => database.destroy());
  const cacheRedis = connectRedis(config.CACHE_REDIS_URL, 'cache', log);
  lifecycle.onStop('cache', () => cacheRedis.disconnect());
  // RedisSubscriber resubscribes itself, in order to detect when all channels are subscribed again.
  const subscriberOptions = { ...failFast, autoResubscribe: false };
  const subscriberRedis = connectRedis(config.CACHE_REDIS_URL, 'subscriber', log, subscriberOptions);
  lifecycle.onStop('subscriber', () => subscriberRedis.disconnect());
  const tracing = await startTracing({ name: 'field-api', config, log, lifecycle });
  const commitDurability = new DurabilityMonitor({
    server: 'postgres',
    read: () => readCommitDurability(database),
    log,
  });
  lifecycle.onStop('durability monitor', () => commitDurability.close());
  const producer = createProducer(deps, tracing, commitDurability);
  lifecycle.onStop('queue', () => producer.close());

  const pseudonyms = createPseudonyms(config.ERASURE_KEY);
  const reader = createFieldReader(database, pseudonyms);
  const revocations = new RevocationList();
  const refreshRevocations = createDatabaseRefresh(revocations, createRevocationReader(database));
  const clock = new ServerClock({ readTime: () => readServerTime(database), log });
  lifecycle.onStop('server clock', () => clock.close());
  const { installation, ruleSettings, keyProblem } = await waitForPostgres(deps, async () => {
    await clock.read();
    await refreshRevocations();
    return {
      installation: await reader.readInstallation(),
      ruleSettings: await readRuleSettings(database),
      keyProblem: await findErasureKeyProblem(database, pseudonyms),
    };
  });
  const problems = describeRuleConflicts({ GRID_SIZE: config.GRID_SIZE }, ruleSettings);
  if (keyProblem) problems.push(keyProblem);
  if (problems.length > 0) throw new ConfigError(problems);
  commitDurability.start();
  clock.start();
  return {
    reader,
    readDatabaseOverview: () => readDatabaseOverview(database, config.QUEUE_PREFIX),
    listFields: (range) => readFieldsPage(database, range),
    readExportPages: (range) => readExportPages(database, range),
    changeFeed: createChangeFeedReader(database),
    readPoolUsage: () => readPoolUsage(database),
    countWorkers: async () => (await readLeaseHolders(database, config.QUEUE_PREFIX)).length,
    tracing,
    traceDelivery: tracing && createDeliveryTracer(tracing),
    producer,
    commitDurability,
    cacheRedis,
    subscriberRedis,
    keys: createCacheKeys(config.QUEUE_PREFIX, installation),
    clock,
    revocations,
    refreshRevocations,
    readRuleSettings: () => readRuleSettings(database),
    searchLog: (search) => searchLog(database, search),
    listOperatorActions: (filter) => listShownOperatorActions(database, filter),
    changeRun: (id, change) => changeRun(database, id, change),
    insertOperatorActions: (actions) => recordOperatorActions(database, actions),
  };
}

function createProducer(
  { config, log }: ProcessDeps,
  tracing: Tracing | undefined,
  durability: DurabilityMonitor,
): UpdateProducer {
  const telemetry = tracing?.telemetry;
  const fallback = { queue: new FallbackQueue(directDatabaseUrl(config), log, { telemetry }), durability };
  const queue = { url: config.QUEUE_REDIS_URL, prefix: config.QUEUE_PREFIX, telemetry, isTraced: tracing?.isTraced };
  return new UpdateProducer(queue, log, fallback);
}

/** Retries with backoff until the query succeeds or the process stops. */
function waitForPostgres<T>({ log, lifecycle }: ProcessDeps, query: () => Promise<T>): Promise<T> {
  return retry(query, {
    initialDelayMs: 200,
    signal: lifecycle.signal,
    onRetry: (err, { delayMs }) => log.warn({ err, delayMs }, 'PostgreSQL unavailable; retrying'),
  });
}
