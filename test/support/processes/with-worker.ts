/** A test's own PostgreSQL, Redis and clients for them, and a worker that runs in this process. */
import { once } from 'node:events';
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import type { Test } from 'tap';
import { connectDatabase } from '../../../db/connect.ts';
import { createFieldReader, type FieldReader } from '../../../db/read/field-reader.ts';
import { type CacheKeys, createCacheKeys } from '../../../shared/cache/cache-keys.ts';
import { FieldCache } from '../../../shared/cache/field-cache.ts';
import { type Config, loadConfig } from '../../../shared/config/config.ts';
import type { ApplyUpdates } from '../../../shared/contract/job.ts';
import type { Durability } from '../../../shared/contract/messages.ts';
import { FieldError } from '../../../shared/errors.ts';
import { createLifecycle, type Lifecycle } from '../../../shared/process/lifecycle.ts';
import { createLogger, type Logger } from '../../../shared/process/logger.ts';
import { retry } from '../../../shared/process/retry.ts';
import { UpdateProducer } from '../../../shared/queue/update-producer.ts';
import { connectRedis } from '../../../shared/redis/connect.ts';
import { startWorker } from '../../../workers/worker.ts';
import { type TestRedis, withDatabase, withRedis } from '../servers/servers.ts';

export interface Backing {
  readonly config: Config;
  readonly log: Logger;
  readonly redis: TestRedis;
  readonly db: Knex;
  readonly reader: FieldReader;
  readonly keys: CacheKeys;
  readonly cache: FieldCache;
  readonly cacheRedis: Redis;
  readonly producer: UpdateProducer;
}

/** Adds a job again that Redis has not confirmed in time on a busy machine, as a phone does. */
class PatientProducer extends UpdateProducer {
  override enqueue(job: ApplyUpdates): Promise<Durability> {
    const isRetryable = (error: unknown) => error instanceof FieldError && error.code === 'queue_unavailable';
    return retry(() => super.enqueue(job), { isRetryable, timeoutMs: 30_000 });
  }
}

/** Everything that an API or a worker needs, without starting either. */
export async function withBacking(t: Test, settings: Record<string, string> = {}): Promise<Backing> {
  const [{ url, directUrl }, redis] = [await withDatabase(t), await withRedis(t)];
  const config = loadConfig({
    NODE_ENV: 'test',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
    JWT_SECRET: 'a secret for tests alone, of more than 32 bytes',
    DATABASE_URL: url,
    ...(url === directUrl ? {} : { DATABASE_DIRECT_URL: directUrl }),
    QUEUE_REDIS_URL: redis.queueUrl,
    CACHE_REDIS_URL: redis.cacheUrl,
    BACKUP_EVERY_HOURS: '0',
    // The PostgreSQL of `npm test` does not fsync, which is faster.
    ALLOW_WEAK_DURABILITY: 'true',
    ...settings,
  });
  const log = createLogger({ name: 'test', level: config.LOG_LEVEL });
  const db = connectDatabase({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL_SIZE,
    applicationName: 'field-test',
    log,
  });
  const reader = createFieldReader(db);
  const keys = createCacheKeys(config.QUEUE_PREFIX, await reader.readInstallation());
  const cacheRedis = connectRedis(config.CACHE_REDIS_URL, 'test', log);
  const producer = new PatientProducer({ url: config.QUEUE_REDIS_URL, prefix: config.QUEUE_PREFIX }, log);
  await producer.ready();
  if (cacheRedis.status !== 'ready') await once(cacheRedis, 'ready');
  t.teardown(async () => {
    await producer.close();
    cacheRedis.disconnect();
    await db.destroy();
  });
  const cache = new FieldCache(cacheRedis, keys, config.CACHE_TTL_SECONDS);
  return { config, log, redis, db, reader, keys, cache, cacheRedis, producer };
}

/** Starts a worker on a backing. It stops at the end of the test, or earlier through its lifecycle. */
export async function withWorker(t: Test, backing: Backing): Promise<Lifecycle> {
  const { config, log, keys } = backing;
  const lifecycle = createLifecycle(log);
  const db = connectDatabase({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL_SIZE,
    applicationName: 'field-test-worker',
    log,
  });
  lifecycle.onStop('database', () => db.destroy());
  const redis = connectRedis(config.CACHE_REDIS_URL, 'test-worker', log);
  lifecycle.onStop('cache', () => redis.disconnect());
  await startWorker({ config, log, lifecycle, db, redis, keys });
  t.teardown(() => lifecycle.stop());
  return lifecycle;
}
