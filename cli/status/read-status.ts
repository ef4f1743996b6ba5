/** How everything stands at one moment. What cannot be reached is told in its place, and the rest is shown. */
import { readFallbackCounts } from '../../db/read/fallback-queue-stats.ts';
import { type FieldOverview, readFieldOverview } from '../../db/read/field-overview.ts';
import type { QueueCounts } from '../../shared/queue-counts.ts';
import { readQueueCounts } from '../backends/redis-queue-stats.ts';
import { withDatabase } from '../backends/with-database.ts';
import { openRedis } from '../backends/with-redis.ts';
import { reasonOf } from '../errors/cli-error.ts';

const shownFields = 20;
const limitMs = 2000;

interface Away {
  readonly away: string;
}

interface Known {
  readonly workers: number;
  readonly queue: QueueCounts;
}

interface Stored {
  readonly fallback: QueueCounts;
  readonly fields: readonly FieldOverview[];
  readonly totalFields: number;
  readonly unpublishedFields: number;
}

export interface Status {
  /** When it was read, in ms. */
  readonly at: number;
  readonly redis: Known | Away;
  readonly postgres: Stored | Away;
  /** Open streams of the API process that answered; undefined when it does not say. */
  readonly streams: number | undefined;
}

export interface Sources {
  readonly databaseUrl: string;
  readonly queueUrl: string;
  readonly prefix: string;
  readonly apiUrl: string | undefined;
  readonly adminPassword: string | undefined;
}

export function isAway(part: object): part is Away {
  return 'away' in part;
}

export async function readStatus(sources: Sources): Promise<Status> {
  const [redis, postgres, streams] = await Promise.all([
    readRedis(sources).catch(tellAway),
    withDatabase(sources.databaseUrl, async (db): Promise<Stored> => {
      const { fields, total, unpublished } = await readFieldOverview(db, shownFields);
      return { fallback: await readFallbackCounts(db), fields, totalFields: total, unpublishedFields: unpublished };
    }).catch(tellAway),
    readStreams(sources),
  ]);
  return { at: Date.now(), redis, postgres, streams };
}

const tellAway = (error: unknown): Away => ({ away: reasonOf(error) });

async function readRedis({ queueUrl: url, prefix }: Sources): Promise<Known> {
  const redis = await openRedis({ url, what: 'the queue', setting: 'QUEUE_REDIS_URL' });
  try {
    const { workers, ...queue } = await readQueueCounts(redis, prefix);
    return { workers, queue };
  } finally {
    redis.disconnect();
  }
}

/** From the API's metrics, which may be somewhere else, or not for us. */
async function readStreams({ apiUrl, adminPassword }: Sources): Promise<number | undefined> {
  if (!apiUrl) return undefined;
  try {
    const login = `Basic ${Buffer.from(`operator:${adminPassword}`).toString('base64')}`;
    const headers = adminPassword ? { authorization: login } : undefined;
    const answer = await fetch(`${apiUrl}/metrics`, { headers, signal: AbortSignal.timeout(limitMs) });
    const counts = [...(await answer.text()).matchAll(/^field_streams_open(?:\{[^}]*\})? (\d+)$/gm)];
    return counts.length > 0 ? counts.reduce((sum, [, count]) => sum + Number(count), 0) : undefined;
  } catch {
    return undefined;
  }
}
