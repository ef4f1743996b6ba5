/** The harness's direct connections to the servers, which bypass all links, for checks and for planted defects. */
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { connectDatabase } from '../../db/connect.ts';
import { createFieldReader, type FieldReader } from '../../db/read/field-reader.ts';
import { type CacheKeys, createCacheKeys } from '../../shared/cache/cache-keys.ts';
import { FieldCache } from '../../shared/cache/field-cache.ts';
import { createLogger } from '../../shared/process/logger.ts';
import type { PartitionedQueue } from '../../shared/queue/partitioned-queue.ts';
import { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import type { Urls } from './stack/urls.ts';

export interface Observer {
  readonly db: Knex;
  readonly reader: FieldReader;
  readonly keys: CacheKeys;
  readonly cacheRedis: Redis;
  readonly cache: FieldCache;
  readonly queues: PartitionedQueue;
  close(): Promise<void>;
}

const cacheTtlSeconds = 3600;
const queuePrefix = 'field';

export async function connectObserver(urls: Urls): Promise<Observer> {
  const log = createLogger({ name: 'faults', level: 'silent' });
  const db = connectDatabase({ url: urls.database, poolSize: 4, applicationName: 'faults', log });
  const reader = createFieldReader(db);
  const keys = createCacheKeys(queuePrefix, await reader.readInstallation());
  const cacheRedis = connectRedis(urls.cache, 'faults', log);
  const producer = new UpdateProducer({ url: urls.queue, prefix: queuePrefix }, log);
  await producer.ready();
  return {
    db,
    reader,
    keys,
    cacheRedis,
    cache: new FieldCache(cacheRedis, keys, cacheTtlSeconds),
    queues: producer.queues,
    async close() {
      await producer.close();
      cacheRedis.disconnect();
      await db.destroy();
    },
  };
}
