/** Redis for a command: connects once, and explains a failure instead of reconnecting. */
import type { Redis } from 'ioredis';
import { createLogger } from '../../shared/process/logger.ts';
import { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { connectRedis, failFast } from '../../shared/redis/connect.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import { describeAddress } from './with-database.ts';

const log = () => createLogger({ name: 'cli', level: 'silent' });

export interface OpenRedisOptions {
  readonly url: string;
  /** For messages, for example `the queue`. */
  readonly label: string;
  /** The name of the setting that holds the URL. */
  readonly setting: string;
}

/** @throws CliError `unreachable` */
export async function openRedis({ url, label, setting }: OpenRedisOptions): Promise<Redis> {
  const redis = connectRedis(url, 'cli', log(), { ...failFast, lazyConnect: true, retryStrategy: () => null });
  let reason: unknown;
  redis.on('error', (error) => {
    reason ??= rootCauseOf(error);
  });
  try {
    await redis.connect();
    await redis.ping();
    return redis;
  } catch (cause) {
    redis.disconnect();
    throw new CliError(
      'unreachable',
      `The Redis of ${label} at ${describeAddress(url)} cannot be reached: ${reasonOf(reason ?? rootCauseOf(cause))}`,
      {
        hint: `Check that it is running and that ${setting} is right. If that is not set, the running \`npm start\` provides it.`,
        cause,
      },
    );
  }
}

/** A cluster only reports that no node responded; the error of its last node has the reason. */
function rootCauseOf(error: unknown): unknown {
  return (error as { lastNodeError?: Error }).lastNodeError ?? error;
}

/** The producer of the queue. @throws CliError `unreachable` when its Redis cannot be reached at the start */
export async function withProducer<T>(
  { url, prefix }: { url: string; prefix: string },
  work: (producer: UpdateProducer) => Promise<T>,
): Promise<T> {
  (await openRedis({ url, label: 'the queue', setting: 'QUEUE_REDIS_URL' })).disconnect();
  const producer = new UpdateProducer({ url, prefix }, log());
  try {
    await producer.ready().catch((cause: unknown) => {
      throw new CliError('unreachable', `The connection to the Redis of the queue was lost: ${reasonOf(cause)}`, {
        hint: 'Check that it keeps running, and run the same command again.',
        cause,
      });
    });
    return await work(producer);
  } finally {
    await producer.close();
  }
}
