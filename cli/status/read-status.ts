/** Reads the status of queues, workers and fields at one moment. For an unreachable server, its part contains the reason. */
import { readLeaseHolders } from '../../db/leases/lease-holders.ts';
import { readFallbackQueueStats } from '../../db/read/fallback-queue-stats.ts';
import { type FieldOverview, readFieldOverview } from '../../db/read/field-overview.ts';
import type { DetailedQueueStats } from '../../shared/queue/queue-stats.ts';
import { readRedisQueueStats } from '../backends/redis-queue-stats.ts';
import { withDatabase } from '../backends/with-database.ts';
import { openRedis } from '../backends/with-redis.ts';
import { reasonOf } from '../errors/cli-error.ts';

const maxShownFields = 20;
const timeoutMs = 2000;

interface Unreachable {
  readonly unreachable: string;
}

interface RedisStatus {
  readonly queue: DetailedQueueStats;
}

interface PostgresStatus {
  /** Running worker processes. */
  readonly workers: number;
  readonly fallback: DetailedQueueStats;
  readonly fields: readonly FieldOverview[];
  readonly totalFields: number;
  readonly unpublishedFields: number;
}

export interface Status {
  /** The time of the reading, in ms since the epoch. */
  readonly at: number;
  readonly redis: RedisStatus | Unreachable;
  readonly postgres: PostgresStatus | Unreachable;
  /** Open streams of the API process that responded; undefined when its metrics cannot be read. */
  readonly streams: number | undefined;
}

export interface ReadStatusOptions {
  readonly databaseUrl: string;
  readonly queueUrl: string;
  readonly prefix: string;
  readonly apiUrl: string | undefined;
  readonly adminPassword: string | undefined;
}

export function isUnreachable(part: object): part is Unreachable {
  return 'unreachable' in part;
}

export async function readStatus(options: ReadStatusOptions): Promise<Status> {
  const [redis, postgres, streams] = await Promise.all([
    readRedis(options).catch(toUnreachable),
    withDatabase(options.databaseUrl, async (db): Promise<PostgresStatus> => {
      const { fields, total, unpublished } = await readFieldOverview(db, maxShownFields);
      const [fallback, workers] = [await readFallbackQueueStats(db), await readLeaseHolders(db, options.prefix)];
      return { workers: workers.length, fallback, fields, totalFields: total, unpublishedFields: unpublished };
    }).catch(toUnreachable),
    readStreams(options),
  ]);
  return { at: Date.now(), redis, postgres, streams };
}

const toUnreachable = (error: unknown): Unreachable => ({ unreachable: reasonOf(error) });

async function readRedis({ queueUrl: url, prefix }: ReadStatusOptions): Promise<RedisStatus> {
  const redis = await openRedis({ url, label: 'the queue', setting: 'QUEUE_REDIS_URL' });
  try {
    return { queue: await readRedisQueueStats(redis, prefix) };
  } finally {
    redis.disconnect();
  }
}

/** Reads the API's metrics, which may be at another address or have another password. */
async function readStreams({ apiUrl, adminPassword }: ReadStatusOptions): Promise<number | undefined> {
  if (!apiUrl) return undefined;
  try {
    const login = `Basic ${Buffer.from(`operator:${adminPassword}`).toString('base64')}`;
    const headers = adminPassword ? { authorization: login } : undefined;
    const response = await fetch(`${apiUrl}/metrics`, { headers, signal: AbortSignal.timeout(timeoutMs) });
    const counts = [...(await response.text()).matchAll(/^field_streams_open(?:\{[^}]*\})? (\d+)$/gm)];
    return counts.length > 0 ? counts.reduce((sum, [, count]) => sum + Number(count), 0) : undefined;
  } catch {
    return undefined;
  }
}
