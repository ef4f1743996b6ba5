/**
 * The revocations that the workers last read, stored in the cache's Redis with the time of that check. An API process that cannot
 * reach PostgreSQL uses them. Ages are measured on the clock of Redis and on the monotonic clock of each process, so the clocks of
 * different machines are never compared.
 */
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { CacheKeys } from '../cache/cache-keys.ts';
import { type Revocation, type RevocationList, revocationKinds } from './revocation-list.ts';

/** Workers publish every second. */
const ttlMs = 60_000;

const setNow = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * KEYS: revocations. ARGV: last change, ms since the check began, TTL in ms, channel, and the list if it is known to be needed.
 * Returns 1 without any effect if the list is needed. A list older than the stored one is ignored.
 */
const publishScript = `${setNow}
local stored = tonumber(redis.call('HGET', KEYS[1], 'change') or '-1')
local change = tonumber(ARGV[1])
if stored > change then return 0 end
if stored < change then
  if not ARGV[5] then return 1 end
  redis.call('HSET', KEYS[1], 'change', ARGV[1], 'list', ARGV[5])
  redis.call('PUBLISH', ARGV[4], '')
end
redis.call('HSET', KEYS[1], 'checkedAt', string.format('%.0f', now - tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 0`;

/** KEYS: revocations. ARGV: the last change that the caller has. Returns the last change, the age in ms, and a newer list. */
const readScript = `${setNow}
local change, checkedAt = unpack(redis.call('HMGET', KEYS[1], 'change', 'checkedAt'))
if not change or not checkedAt then return nil end
local list = tonumber(change) > tonumber(ARGV[1]) and redis.call('HGET', KEYS[1], 'list')
return {tonumber(change), now - tonumber(checkedAt), list}`;

interface ScriptedRedis extends Redis {
  publishRevocations(key: string, ...args: (string | number)[]): Promise<number>;
  readRevocations(key: string, known: number): Promise<[change: number, ageMs: number, list: string | null] | null>;
}

const listSchema = z.array(
  z
    .tuple([z.enum(revocationKinds), z.string(), z.number(), z.number()])
    .transform(
      ([kind, subject, revokedAt, change]): Revocation => ({ kind, subject, revokedAt, change, isLifted: false }),
    ),
);

export class SharedRevocations {
  readonly #redis: ScriptedRedis;
  readonly #keys: CacheKeys;

  constructor(redis: Redis, keys: CacheKeys) {
    redis.defineCommand('publishRevocations', { numberOfKeys: 1, lua: publishScript });
    redis.defineCommand('readRevocations', { numberOfKeys: 1, lua: readScript });
    this.#redis = redis as ScriptedRedis;
    this.#keys = keys;
  }

  /** Publishes the list as complete as of its last check. @throws if Redis does not answer */
  async publish(list: RevocationList): Promise<void> {
    const { change, checkedAt } = list;
    const send = (...content: string[]) => {
      const elapsedMs = Math.ceil(performance.now() - checkedAt);
      const { revocationsKey, revocationChannel } = this.#keys;
      return this.#redis.publishRevocations(revocationsKey, change, elapsedMs, ttlMs, revocationChannel, ...content);
    };
    if ((await send()) === 1 && change === list.change) await send(encodeList(list));
  }

  /** Updates a list. @returns whether it has changed @throws if Redis does not answer */
  async refresh(list: RevocationList): Promise<boolean> {
    const startedAt = performance.now();
    const found = await this.#redis.readRevocations(this.#keys.revocationsKey, list.change);
    if (!found) return false;
    const [change, ageMs, content] = found;
    const hasChanged = content !== null && list.replace(change, listSchema.parse(JSON.parse(content)));
    // A negative age means that the clock of Redis was set back. Another source may have read newer changes.
    if (ageMs >= 0 && list.change >= change) list.confirm(startedAt - ageMs);
    return hasChanged;
  }
}

function encodeList(list: RevocationList): string {
  return JSON.stringify(list.list().map(({ kind, subject, revokedAt, change }) => [kind, subject, revokedAt, change]));
}
