/** All queues in which updates may wait: those in Redis, and the fallback queue in PostgreSQL. */
import { createPostgresBackend, Queue } from 'bullmq';
import type { Knex } from 'knex';
import { updatesQueue } from '../../shared/contract/job.ts';
import { fallbackConnection, fallbackSchema } from '../../shared/queue/fallback-queue.ts';
import type { PurgeableQueue } from '../../shared/queue/purge-jobs.ts';
import { withProducer } from '../backends/with-redis.ts';

const timeoutMs = 30_000;

/** @param url of PostgreSQL, without a pooler */
export async function withFallbackQueue<T>(
  db: Knex,
  url: string,
  work: (queue: PurgeableQueue) => Promise<T>,
): Promise<T> {
  const queue = new Queue(updatesQueue, { connection: fallbackConnection(url, 2, timeoutMs) }, createPostgresBackend);
  queue.on('error', () => undefined);
  try {
    return await work({
      getJobs: (...range) => (queue as unknown as PurgeableQueue).getJobs(...range),
      // BullMQ's PostgreSQL backend does not support this.
      trimEvents: async () => db(`${fallbackSchema}.event`).where('queue', updatesQueue).delete(),
    });
  } finally {
    await queue.close();
  }
}

interface QueueAddresses {
  /** PostgreSQL, without a pooler. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly prefix: string;
}

/** @throws CliError `unreachable` */
export async function withAllQueues<T>(
  db: Knex,
  { databaseUrl, redisUrl: url, prefix }: QueueAddresses,
  work: (queues: readonly PurgeableQueue[]) => Promise<T>,
): Promise<T> {
  return withProducer({ url, prefix }, ({ queues }) =>
    withFallbackQueue(db, databaseUrl, (fallback) => work([...(queues.all as unknown as PurgeableQueue[]), fallback])),
  );
}
