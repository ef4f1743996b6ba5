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
import type { LogArchive } from './checker/read-log.ts';
import type { Urls } from './stack/urls.ts';

const cacheTtlSeconds = 3600;
const queuePrefix = 'field';

export class Observer {
  /** Log entries that were pruned. */
  readonly archive: LogArchive = new Map();
  readonly #urls: Urls;
  #connections: Connections;

  private constructor(urls: Urls, connections: Connections) {
    this.#urls = urls;
    this.#connections = connections;
  }

  static async connect(urls: Urls): Promise<Observer> {
    return new Observer(urls, await connect(urls));
  }

  get db(): Knex {
    return this.#connections.db;
  }

  get reader(): FieldReader {
    return this.#connections.reader;
  }

  get keys(): CacheKeys {
    return this.#connections.keys;
  }

  get cacheRedis(): Redis {
    return this.#connections.cacheRedis;
  }

  get cache(): FieldCache {
    return this.#connections.cache;
  }

  get queues(): PartitionedQueue {
    return this.#connections.producer.queues;
  }

  /** Disconnects while the database is replaced by another one, which may have another installation id. */
  async whileDisconnected(replace: () => Promise<void>): Promise<void> {
    await this.close();
    await replace();
    this.#connections = await connect(this.#urls);
  }

  async close(): Promise<void> {
    const { producer, cacheRedis, db } = this.#connections;
    await producer.close();
    cacheRedis.disconnect();
    await db.destroy();
  }
}

type Connections = Awaited<ReturnType<typeof connect>>;

async function connect(urls: Urls) {
  const log = createLogger({ name: 'faults', level: 'silent' });
  const db = connectDatabase({ url: urls.database, poolSize: 4, applicationName: 'faults', log });
  const reader = createFieldReader(db);
  const keys = createCacheKeys(queuePrefix, await reader.readInstallation());
  const cacheRedis = connectRedis(urls.cache, 'faults', log);
  const producer = new UpdateProducer({ url: urls.queue, prefix: queuePrefix }, log);
  await producer.ready();
  return { db, reader, keys, cacheRedis, cache: new FieldCache(cacheRedis, keys, cacheTtlSeconds), producer };
}
