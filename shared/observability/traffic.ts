/**
 * Counts what all workers together have applied in each minute, for operators. Workers add to hashes in the cache's Redis, one for
 * each ten minutes, which expire. Approximate by design: failed writes are dropped.
 */
import type { Redis } from 'ioredis';
import type { CacheKeys } from '../cache/cache-keys.ts';

const minuteMs = 60_000;
const minutesPerKey = 10;
const keyTtlSeconds = 2 * 3600;
/** How many minutes are read. */
const readMinutes = 60;

/** The upper bounds of the latency buckets, in ms; the last bucket has all longer ones. */
export const latencyBoundsMs: readonly number[] = [
  2, 5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10_000, 60_000, 600_000,
];

export interface TrafficMinute {
  /** Its start, in ms since the epoch. */
  readonly at: number;
  readonly updates: number;
  readonly conflicts: number;
  /** How many requests became visible within each latency bucket. */
  readonly latencies: readonly number[];
}

/** @param at in ms since the epoch */
export function toMinute(at: number): number {
  return at - (at % minuteMs);
}

/** Adds to the stored counts. @throws if Redis does not answer */
export async function addTraffic(redis: Redis, keys: CacheKeys, minutes: readonly TrafficMinute[]): Promise<void> {
  // All keys are in one slot of a cluster, which a pipeline needs.
  const pipeline = redis.pipeline();
  for (const { at, updates, conflicts, latencies } of minutes) {
    const key = keys.trafficKey(toSlot(at));
    pipeline.hincrby(key, `${at}:updates`, updates);
    if (conflicts > 0) pipeline.hincrby(key, `${at}:conflicts`, conflicts);
    for (const [index, count] of latencies.entries()) if (count > 0) pipeline.hincrby(key, `${at}:${index}`, count);
    pipeline.expire(key, keyTtlSeconds);
  }
  await pipeline.exec();
}

/** The last hour by minutes, the oldest first, without the current one. @throws if Redis does not answer */
export async function readTraffic(redis: Redis, keys: CacheKeys, now: number): Promise<TrafficMinute[]> {
  const last = toMinute(now);
  const times = Array.from({ length: readMinutes }, (_, index) => last - (readMinutes - index) * minuteMs);
  const slots = [...new Set(times.map(toSlot))];
  const stored = await Promise.all(slots.map((slot) => redis.hgetall(keys.trafficKey(slot))));
  const counts = new Map(stored.flatMap(Object.entries<string>));
  const count = (at: number, name: string | number) => Number(counts.get(`${at}:${name}`) ?? 0);
  return times.map((at) => ({
    at,
    updates: count(at, 'updates'),
    conflicts: count(at, 'conflicts'),
    latencies: Array.from({ length: latencyBoundsMs.length + 1 }, (_, index) => count(at, index)),
  }));
}

/** The upper bound of the quantile's bucket, in ms, or the lower bound of the last bucket; undefined without latencies. */
export function estimateQuantile(latencies: readonly number[], quantile: number): number | undefined {
  const total = latencies.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let counted = 0;
  const index = latencies.findIndex((count) => {
    counted += count;
    return counted >= quantile * total;
  });
  return latencyBoundsMs[index] ?? latencyBoundsMs.at(-1);
}

function toSlot(at: number): number {
  return Math.floor(at / minuteMs / minutesPerKey);
}
