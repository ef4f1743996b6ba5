/** Compares the cached copy of a field with PostgreSQL, byte for byte. A stale copy is not a difference. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { createCacheKeys } from '../../shared/cache/cache-keys.ts';
import { FieldCache } from '../../shared/cache/field-cache.ts';
import { type StateFragments, toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeState } from '../../shared/cache/state-serializer.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import { openRedis } from './with-redis.ts';

/** While a field is being written to, its copy is briefly stale. */
const maxAttempts = 5;
const retryDelayMs = 200;

export interface CacheComparison {
  /** For example `same`, `absent`, `behind at version 12`, `differs`, `not checked`. */
  readonly status: string;
  readonly differences: readonly string[];
}

export type CompareCache = (field: FieldId) => Promise<CacheComparison>;

interface CacheComparisonDeps {
  readonly reader: FieldReader;
  readonly settings: {
    readonly CACHE_REDIS_URL?: string;
    readonly CACHE_TTL_SECONDS: number;
    readonly QUEUE_PREFIX: string;
  };
  readonly warn: (line: string) => void;
}

/** Passes the comparison to `work`. Without the cache's Redis it compares nothing, and prints one warning. */
export async function withCacheComparison<T>(
  deps: CacheComparisonDeps,
  work: (compare: CompareCache) => Promise<T>,
): Promise<T> {
  const { reader, settings, warn } = deps;
  const redis = await openCache(settings.CACHE_REDIS_URL, warn);
  if (!redis) return work(async () => ({ status: 'not checked', differences: [] }));
  try {
    const keys = createCacheKeys(settings.QUEUE_PREFIX, await reader.readInstallation());
    const cache = new FieldCache(redis, keys, settings.CACHE_TTL_SECONDS);
    return await work((field) => compareField(reader, cache, field));
  } finally {
    redis.disconnect();
  }
}

async function openCache(url: string | undefined, warn: (line: string) => void): Promise<Redis | undefined> {
  try {
    if (url) return await openRedis({ url, label: 'the cache', setting: 'CACHE_REDIS_URL' });
    warn('CACHE_REDIS_URL is not set: cached copies are not compared.');
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    warn(`${error.message}\nCached copies are not compared.`);
  }
  return undefined;
}

async function compareField(reader: FieldReader, cache: FieldCache, field: FieldId): Promise<CacheComparison> {
  for (let attempt = 1; ; attempt += 1) {
    const cached = await readCached(cache, field);
    if (typeof cached === 'string') return { status: `not checked: ${cached}`, differences: [] };
    if (!cached) return { status: 'absent', differences: [] };
    // Read after the copy, so that PostgreSQL is never the older of the two.
    const stored = await reader.loadState(field);
    const version = stored?.version ?? 0;
    if (stored && cached.version === version) return compareBytes(cached, toFragments(stored));
    if (cached.version > version) {
      const difference = `the cache is at version ${cached.version}, ahead of PostgreSQL at ${version}`;
      return { status: 'ahead', differences: [difference] };
    }
    if (attempt === maxAttempts) return { status: `behind at version ${cached.version}`, differences: [] };
    await delay(retryDelayMs);
  }
}

async function readCached(cache: FieldCache, field: FieldId): Promise<StateFragments | undefined | string> {
  try {
    return await cache.read(field);
  } catch (error) {
    return reasonOf(error);
  }
}

function compareBytes(cached: StateFragments, stored: StateFragments): CacheComparison {
  const [storedBody, cachedBody] = [stored, cached].map((fragments) => serializeState(fragments).toString());
  if (storedBody === cachedBody) return { status: 'same', differences: [] };
  return { status: 'differs', differences: [`the cached copy at version ${cached.version} differs from PostgreSQL`] };
}
