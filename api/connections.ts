/**
 * Everything that an API process is connected to, opened in order and registered to be closed. Waits for PostgreSQL,
 * since the cache's keys are named after the database, and nobody may come in before it is known whose tokens are revoked;
 * Redis may come later.
 */
import type { Redis } from 'ioredis';
import { connectDatabase, readPoolUsage } from '../db/connect.ts';
import { createFieldReader, type FieldReader } from '../db/read/field-reader.ts';
import { createRevocationReader } from '../db/read/revocation-reader.ts';
import { createTokenVerifier, type VerifyToken } from '../shared/auth/jwt.ts';
import { type ReadRevocations, RevocationList } from '../shared/auth/revocation-list.ts';
import { type CacheKeys, createCacheKeys } from '../shared/cache/cache-keys.ts';
import { type Config, directDatabaseUrl } from '../shared/config/config.ts';
import type { PoolUse } from '../shared/observability/process-metrics.ts';
import { startTracing, type Tracing } from '../shared/observability/tracing.ts';
import type { Lifecycle } from '../shared/process/lifecycle.ts';
import type { Logger } from '../shared/process/logger.ts';
import { retry } from '../shared/process/retry.ts';
import { FallbackQueue } from '../shared/queue/fallback-queue.ts';
import { UpdateProducer } from '../shared/queue/update-producer.ts';
import { connectRedis, failFast } from '../shared/redis/connect.ts';
import { withRevocationCheck } from './auth/field-auth.ts';

/** What the app is built from. */
export interface Connections {
  readonly config: Config;
  readonly log: Logger;
  readonly reader: FieldReader;
  readonly readPoolUse: () => PoolUse;
  /** Undefined unless traces are wanted. */
  readonly tracing: Tracing | undefined;
  readonly producer: UpdateProducer;
  readonly cacheRedis: Redis;
  /** A connection for nothing but listening. */
  readonly subscriberRedis: Redis;
  readonly keys: CacheKeys;
  readonly verifyToken: VerifyToken;
  readonly revocations: RevocationList;
  readonly readRevocations: ReadRevocations;
}

/** Short: somebody waits for the answer. */
const statementTimeoutMs = 5000;

export async function connectApi(config: Config, log: Logger, lifecycle: Lifecycle): Promise<Connections> {
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
  // Subscribes by itself, so that it knows when it has: see ChannelSubscriber.
  const subscriberRedis = connectRedis(config.CACHE_REDIS_URL, 'subscriber', log, {
    ...failFast,
    autoResubscribe: false,
  });
  lifecycle.onStop('subscriber', () => subscriberRedis.disconnect());
  const tracing = await startTracing({ name: 'field-api', config, log, lifecycle });
  const telemetry = tracing?.telemetry;
  const fallback = new FallbackQueue(directDatabaseUrl(config), log, telemetry);
  const queue = { url: config.QUEUE_REDIS_URL, prefix: config.QUEUE_PREFIX, telemetry, isTraced: tracing?.isTraced };
  const producer = new UpdateProducer(queue, log, fallback);
  lifecycle.onStop('queue', () => producer.close());

  const reader = createFieldReader(database);
  const readRevocations = createRevocationReader(database);
  const revocations = new RevocationList();
  const installation = await waitForPostgres({ log, lifecycle }, async () => {
    revocations.apply(await readRevocations(0));
    return reader.readInstallation();
  });
  const keys = createCacheKeys(config.QUEUE_PREFIX, installation);
  return {
    config,
    log,
    reader,
    readPoolUse: () => readPoolUsage(database),
    tracing,
    producer,
    cacheRedis,
    subscriberRedis,
    keys,
    verifyToken: withRevocationCheck(createTokenVerifier(config), revocations),
    revocations,
    readRevocations,
  };
}

interface WaitForPostgresDeps {
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

function waitForPostgres<T>({ log, lifecycle }: WaitForPostgresDeps, query: () => Promise<T>): Promise<T> {
  return retry(query, {
    initialDelayMs: 200,
    signal: lifecycle.signal,
    onRetry: (err, { delayMs }) => log.warn({ err, delayMs }, 'PostgreSQL does not answer yet'),
  });
}
