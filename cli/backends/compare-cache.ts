/** Whether the cached copy of a field is, byte for byte, what PostgreSQL says. A copy that lags behind is no fault. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { cacheNames, FieldCache } from '../../shared/cache/field-cache.ts';
import { cutState, type StatePieces } from '../../shared/cache/state-fragments.ts';
import { joinText, renderState } from '../../shared/cache/state-serializer.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import { openRedis } from './with-redis.ts';

/** While a field is being written to, the copy is a moment behind. */
const attempts = 5;
const pauseMs = 200;

export interface CacheComparison {
  /** In a word or two: `same`, `absent`, `behind at version 12`, `differs`, `not checked`. */
  readonly note: string;
  readonly differences: readonly string[];
}

export type CompareCache = (field: FieldId) => Promise<CacheComparison>;

interface CacheOrder {
  readonly reader: FieldReader;
  readonly settings: {
    readonly CACHE_REDIS_URL?: string;
    readonly CACHE_TTL_SECONDS: number;
    readonly QUEUE_PREFIX: string;
  };
}

/** Hands the comparison to `work`. Without the cache's Redis it compares nothing, and says so once. */
export async function withCache<T>(order: CacheOrder, work: (compare: CompareCache) => Promise<T>): Promise<T> {
  const { reader, settings } = order;
  const redis = await openCache(settings.CACHE_REDIS_URL);
  if (!redis) return work(async () => ({ note: 'not checked', differences: [] }));
  try {
    const names = cacheNames(settings.QUEUE_PREFIX, await reader.readInstallation());
    const cache = new FieldCache(redis, names, settings.CACHE_TTL_SECONDS);
    return await work((field) => compareField(reader, cache, field));
  } finally {
    redis.disconnect();
  }
}

async function openCache(url: string | undefined): Promise<Redis | undefined> {
  try {
    if (url) return await openRedis({ url, what: 'the cache', setting: 'CACHE_REDIS_URL' });
    console.error('CACHE_REDIS_URL is not set: the copies in the cache are not checked.');
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    console.error(`${error.message}\nThe copies in the cache are not checked.`);
  }
  return undefined;
}

async function compareField(reader: FieldReader, cache: FieldCache, field: FieldId): Promise<CacheComparison> {
  for (let attempt = 1; ; attempt += 1) {
    const cached = await readCopy(cache, field);
    if (typeof cached === 'string') return { note: `not checked: ${cached}`, differences: [] };
    if (!cached) return { note: 'absent', differences: [] };
    // Read after the copy, so that it is never the older one of the two.
    const stored = await reader.loadState(field);
    const version = stored?.version ?? 0;
    if (stored && cached.version === version) return compareBytes(cached, cutState(stored));
    if (cached.version > version) {
      const difference = `the cache is at version ${cached.version}, ahead of PostgreSQL at ${version}`;
      return { note: 'ahead', differences: [difference] };
    }
    if (attempt === attempts) return { note: `behind at version ${cached.version}`, differences: [] };
    await delay(pauseMs);
  }
}

async function readCopy(cache: FieldCache, field: FieldId): Promise<StatePieces | undefined | string> {
  try {
    return await cache.read(field);
  } catch (error) {
    return reasonOf(error);
  }
}

function compareBytes(cached: StatePieces, stored: StatePieces): CacheComparison {
  const [ours, theirs] = [stored, cached].map((pieces) => joinText(renderState(pieces).state, 0).toString());
  if (ours === theirs) return { note: 'same', differences: [] };
  return { note: 'differs', differences: [`the cached copy at version ${cached.version} differs from PostgreSQL`] };
}
