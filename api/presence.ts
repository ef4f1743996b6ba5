/**
 * Who is here: the devices of each field that were heard from in the last 30 s, over all processes. It is kept in the
 * cache Redis; while that is away, each process counts those that it knows of itself.
 */
import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import type { FieldId } from '../shared/field/ids.ts';
import type { CacheNames } from '../shared/field-cache.ts';

const presentMs = 30_000;
const touchEveryMs = 5000;
const countEveryMs = 1000;
const keyTtlSeconds = 60;
const maxTouches = 100_000;
const maxFields = 10_000;

export class Presence {
  readonly #redis: Redis;
  readonly #names: CacheNames;
  /** When a device was last reported, by `field device`. */
  readonly #touches = new LRUCache<string, true>({ max: maxTouches, ttl: touchEveryMs });
  readonly #counts = new LRUCache<FieldId, Promise<number>>({ max: maxFields, ttl: countEveryMs });
  readonly #heard = new LRUCache<FieldId, Map<string, number>>({ max: maxFields });

  constructor(redis: Redis, names: CacheNames) {
    this.#redis = redis;
    this.#names = names;
  }

  /** Notes that a device was heard from. Costs nothing most of the time, and waits for nothing. */
  touch(field: FieldId, device: string): void {
    const key = `${field} ${device}`;
    if (this.#touches.has(key)) return;
    this.#touches.set(key, true);
    const now = Date.now();
    this.#hear(field, device, now);
    const presenceKey = this.#names.presenceKey(field);
    // Who has just been heard is counted by whoever asks next.
    this.#counts.delete(field);
    void this.#redis
      .multi()
      .zadd(presenceKey, now, device)
      .expire(presenceKey, keyTtlSeconds)
      .exec()
      // Presence is a hint: the count falls back to what this process has heard.
      .catch(() => this.#touches.delete(key));
  }

  /** How many devices were heard from in the last 30 s; up to a second old. */
  count(field: FieldId): Promise<number> {
    const known = this.#counts.get(field);
    if (known) return known;
    const count = this.#countNow(field);
    this.#counts.set(field, count);
    return count;
  }

  async #countNow(field: FieldId): Promise<number> {
    const key = this.#names.presenceKey(field);
    const since = Date.now() - presentMs;
    try {
      const answers = await this.#redis.multi().zremrangebyscore(key, '-inf', `(${since}`).zcard(key).exec();
      const [error, count] = answers?.[1] ?? [];
      if (!error && typeof count === 'number') return count;
    } catch {
      // Said by the connection's own listener.
    }
    return this.#countHeard(field, since);
  }

  #hear(field: FieldId, device: string, now: number): void {
    const heard = this.#heard.get(field) ?? new Map<string, number>();
    if (!heard.delete(device)) this.#counts.delete(field);
    heard.set(device, now);
    this.#heard.set(field, heard);
    this.#countHeard(field, now - presentMs);
  }

  /** The map is in order of time: the old ones come first. */
  #countHeard(field: FieldId, since: number): number {
    const heard = this.#heard.get(field);
    if (!heard) return 0;
    for (const [device, time] of heard) {
      if (time >= since) break;
      heard.delete(device);
    }
    return heard.size;
  }
}
