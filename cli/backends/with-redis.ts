/** Redis for a command: a connection that either stands or says at once why it does not. */
import type { Redis } from 'ioredis';
import { createLogger } from '../../shared/process/logger.ts';
import { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { connectRedis, failFast } from '../../shared/redis/connect.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import { describeAddress } from './with-database.ts';

const log = () => createLogger({ name: 'cli', level: 'silent' });

export interface OpenRedisOptions {
  readonly url: string;
  /** For people, for example `the queue`. */
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
        hint: `Is it running, and is ${setting} right? Where that is not set, the last \`npm start\` is meant.`,
        cause,
      },
    );
  }
}

/** A cluster says that no node of it answered; the last of them has said why. */
function rootCauseOf(error: unknown): unknown {
  return (error as { lastNodeError?: Error }).lastNodeError ?? error;
}

/** The way into the queue. @throws CliError `unreachable` when its Redis is away at the start */
export async function withProducer<T>(
  { url, prefix }: { url: string; prefix: string },
  work: (producer: UpdateProducer) => Promise<T>,
): Promise<T> {
  (await openRedis({ url, label: 'the queue', setting: 'QUEUE_REDIS_URL' })).disconnect();
  const producer = new UpdateProducer({ url, prefix }, log());
  try {
    await producer.ready().catch((cause: unknown) => {
      throw new CliError('unreachable', `The Redis of the queue went away: ${reasonOf(cause)}`, { cause });
    });
    return await work(producer);
  } finally {
    await producer.close();
  }
}
