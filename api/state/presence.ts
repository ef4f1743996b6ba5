/**
 * Who is here: the devices of each field that were heard from in the last 30 s, over all processes. It is kept in the
 * cache Redis; while that is away, each process counts those that it knows of itself.
 */
import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import type { CacheNames } from '../../shared/cache/field-cache.ts';
import type { FieldId } from '../../shared/field/ids.ts';

const presentMs = 30_000;
const touchEveryMs = 5000;
const tellEveryMs = 500;
const countEveryMs = 1000;
const keyTtlSeconds = 60;
const maxTouches = 100_000;
const maxFields = 10_000;

/** KEYS: presence. ARGV: now, since when the present count, ttl, devices… */
const touchScript = `
for index = 4, #ARGV do redis.call('ZADD', KEYS[1], ARGV[1], ARGV[index]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])`;

interface ScriptedRedis extends Redis {
  touchDevices(key: string, now: number, since: number, ttl: number, ...devices: string[]): Promise<void>;
}

export class Presence {
  readonly #redis: ScriptedRedis;
  readonly #names: CacheNames;
  /** When a device was last reported, by `field device`. */
  readonly #touches = new LRUCache<string, true>({ max: maxTouches, ttl: touchEveryMs });
  readonly #counts = new LRUCache<FieldId, Promise<number>>({ max: maxFields, ttl: countEveryMs });
  readonly #heard = new LRUCache<FieldId, Map<string, number>>({ max: maxFields });
  /** Devices that Redis has yet to be told of. */
  readonly #untold = new Map<FieldId, Set<string>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: Redis, names: CacheNames) {
    redis.defineCommand('touchDevices', { numberOfKeys: 1, lua: touchScript });
    this.#redis = redis as ScriptedRedis;
    this.#names = names;
  }

  /** Notes that a device was heard from. Costs nothing most of the time, and waits for nothing. */
  touch(field: FieldId, device: string): void {
    const key = keyOf(field, device);
    if (this.#touches.has(key)) return;
    this.#touches.set(key, true);
    this.#hear(field, device, Date.now());
    // Who has just been heard is counted by whoever asks next.
    this.#counts.delete(field);
    const untold = this.#untold.get(field);
    if (untold) untold.add(device);
    else this.#untold.set(field, new Set([device]));
    this.#timer ??= setTimeout(() => this.#tellAll(), tellEveryMs).unref();
  }

  /** How many devices were heard from in the last 30 s; of those that other processes hear, up to two seconds old. */
  count(field: FieldId): Promise<number> {
    const known = this.#counts.get(field);
    if (known) return known;
    const count = this.#countNow(field);
    this.#counts.set(field, count);
    return count;
  }

  async #countNow(field: FieldId): Promise<number> {
    // Goes before the question, on the same connection.
    this.#tell(field);
    const since = Date.now() - presentMs;
    try {
      const told = await this.#redis.zcount(this.#names.presenceKey(field), since, '+inf');
      // Never fewer than are known here: a Redis that was new to the script is told a moment later.
      return Math.max(told, this.#countHeard(field, since));
    } catch {
      // Said by the connection's own listener.
    }
    return this.#countHeard(field, since);
  }

  #tellAll(): void {
    this.#timer = undefined;
    for (const field of this.#untold.keys()) this.#tell(field);
  }

  #tell(field: FieldId): void {
    const untold = this.#untold.get(field);
    if (!untold) return;
    this.#untold.delete(field);
    const devices = [...untold];
    const now = Date.now();
    void this.#redis
      .touchDevices(this.#names.presenceKey(field), now, now - presentMs, keyTtlSeconds, ...devices)
      // Presence is a hint: the count falls back to what this process has heard.
      .catch(() => {
        for (const device of devices) this.#touches.delete(keyOf(field, device));
      });
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

function keyOf(field: FieldId, device: string): string {
  return `${field} ${device}`;
}
