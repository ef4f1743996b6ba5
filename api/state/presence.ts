/**
 * Counts the active devices of each field, which are those that were heard from in the last 30 s by any API process. The
 * counts are kept in the cache Redis; while it is unavailable, each process counts the devices that it knows itself.
 */

import type { CacheKeys } from '../../shared/cache/cache-keys.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { createSparseCache } from '../../shared/process/sparse-cache.ts';

const presenceTtlMs = 30_000;
const touchIntervalMs = 5000;
const flushIntervalMs = 500;
const countCacheMs = 1000;
const keyTtlSeconds = 60;
const maxRecentTouches = 100_000;
const maxFields = 10_000;

/** KEYS: presence. ARGV: now in ms, time in ms before which devices are dropped, TTL in s, devices… */
const touchScript = `
for index = 4, #ARGV do redis.call('ZADD', KEYS[1], ARGV[1], ARGV[index]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])`;

/** What presence needs of a connection to Redis: the simulation implements it in memory. */
export interface PresenceConnection {
  defineCommand(name: string, definition: { readonly numberOfKeys: number; readonly lua: string }): void;
  zcount(key: string, min: number, max: string): Promise<number>;
}

interface ScriptedRedis extends PresenceConnection {
  touchDevices(key: string, now: number, since: number, ttl: number, ...devices: string[]): Promise<void>;
}

export class Presence {
  readonly #redis: ScriptedRedis;
  readonly #keys: CacheKeys;
  /** The devices that were recorded within `touchIntervalMs`, by `field device`. */
  readonly #recentTouches = createSparseCache<string, true>({ maxEntries: maxRecentTouches, ttl: touchIntervalMs });
  readonly #counts = createSparseCache<FieldId, Promise<number>>({ maxEntries: maxFields, ttl: countCacheMs });
  readonly #localDevices = createSparseCache<FieldId, Map<string, number>>({ maxEntries: maxFields });
  /** The devices that have not been sent to Redis yet. */
  readonly #pending = new Map<FieldId, Set<string>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: PresenceConnection, keys: CacheKeys) {
    redis.defineCommand('touchDevices', { numberOfKeys: 1, lua: touchScript });
    this.#redis = redis as ScriptedRedis;
    this.#keys = keys;
  }

  /** Records that a device was heard from. Most calls end at a look-up in memory, and none waits for Redis. */
  touch(field: FieldId, device: string): void {
    const key = toKey(field, device);
    if (this.#recentTouches.has(key)) return;
    this.#recentTouches.set(key, true);
    this.#recordLocal(field, device, Date.now());
    // The next count must include this device.
    this.#counts.delete(field);
    const pending = this.#pending.get(field);
    if (pending) pending.add(device);
    else this.#pending.set(field, new Set([device]));
    this.#timer ??= setTimeout(() => this.#flushAll(), flushIntervalMs).unref();
  }

  /** How many devices were heard from in the last 30 s. Devices of other processes may be missing for up to 2 s. */
  count(field: FieldId): Promise<number> {
    const known = this.#counts.get(field);
    if (known) return known;
    const count = this.#countNow(field);
    this.#counts.set(field, count);
    return count;
  }

  async #countNow(field: FieldId): Promise<number> {
    // Commands on one connection are executed in order, so that the count includes these devices.
    this.#flush(field);
    const since = Date.now() - presenceTtlMs;
    try {
      const remoteCount = await this.#redis.zcount(this.#keys.presenceKey(field), since, '+inf');
      // The flush may have failed or, if Redis had to load the script first, have been sent after the count.
      return Math.max(remoteCount, this.#countLocal(field, since));
    } catch {
      // The connection's own listener logs the error.
    }
    return this.#countLocal(field, since);
  }

  #flushAll(): void {
    this.#timer = undefined;
    for (const field of this.#pending.keys()) this.#flush(field);
  }

  #flush(field: FieldId): void {
    const pending = this.#pending.get(field);
    if (!pending) return;
    this.#pending.delete(field);
    const devices = [...pending];
    const now = Date.now();
    void this.#redis
      .touchDevices(this.#keys.presenceKey(field), now, now - presenceTtlMs, keyTtlSeconds, ...devices)
      // The local count covers these devices until the next touch sends them again.
      .catch(() => {
        for (const device of devices) this.#recentTouches.delete(toKey(field, device));
      });
  }

  #recordLocal(field: FieldId, device: string, now: number): void {
    const localDevices = this.#localDevices.get(field) ?? new Map<string, number>();
    if (!localDevices.delete(device)) this.#counts.delete(field);
    localDevices.set(device, now);
    this.#localDevices.set(field, localDevices);
    this.#countLocal(field, now - presenceTtlMs);
  }

  /** The map is ordered by time, oldest first, since a device that is recorded again moves to the end. */
  #countLocal(field: FieldId, since: number): number {
    const localDevices = this.#localDevices.get(field);
    if (!localDevices) return 0;
    for (const [device, time] of localDevices) {
      if (time >= since) break;
      localDevices.delete(device);
    }
    return localDevices.size;
  }
}

function toKey(field: FieldId, device: string): string {
  return `${field} ${device}`;
}
