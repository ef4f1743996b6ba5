/**
 * The shared state of all processes about the devices of a field, in the cache's Redis: when each was last heard, by Redis' own
 * clock, and what it shows, with the process that last showed it. Ephemeral: it expires, and whatever is lost is reported again
 * by the processes whose clients it concerns.
 */
import { randomBytes } from 'node:crypto';
import type { CacheKeys } from '../../shared/cache/cache-keys.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { type NumberedReport, type PresenceReport, parseReport } from './presence-report.ts';

/** A device that has not been heard for this long is gone. */
export const presenceTtlMs = 30_000;
/** Devices of a field that a process keeps. More are only counted. */
export const maxDevicesPerField = 10_000;
const keyTtlSeconds = 60;

const begin = `
local times, data = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = now - ${presenceTtlMs}`;

/**
 * KEYS: times, data. ARGV: process, channel, number of shown, (id, JSON)…, number of heard, (id, ms ago)…, gone…
 * A device is removed only by the process that last showed it: on a reconnect to another process the new socket may
 * open before the old one is closed. The entry with the empty name counts the messages.
 */
const reportScript = `${begin}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', times, '-inf', '(' .. since, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', times, id)
  redis.call('HDEL', data, id)
end
local process, lines, at = ARGV[1], {''}, 4
for i = at, at + 2 * ARGV[3] - 1, 2 do
  redis.call('HSET', data, ARGV[i], process .. ' ' .. ARGV[i + 1])
  redis.call('ZADD', times, now, ARGV[i])
  lines[#lines + 1] = '+' .. ARGV[i + 1]
end
at = at + 2 * ARGV[3] + 1
for i = at, at + 2 * ARGV[at - 1] - 1, 2 do
  redis.call('ZADD', times, 'GT', now - ARGV[i + 1], ARGV[i])
  lines[#lines + 1] = '=' .. ARGV[i + 1] .. ' ' .. ARGV[i]
end
for i = at + 2 * ARGV[at - 1], #ARGV do
  local entry = redis.call('HGET', data, ARGV[i])
  if not entry or string.sub(entry, 1, #process) == process then
    redis.call('HDEL', data, ARGV[i])
    redis.call('ZREM', times, ARGV[i])
    lines[#lines + 1] = '-' .. ARGV[i]
  end
end
local sequence = redis.call('HINCRBY', data, '', 1)
redis.call('EXPIRE', times, ${keyTtlSeconds})
redis.call('EXPIRE', data, ${keyTtlSeconds})
lines[1] = string.format('%.0f', sequence) .. ' ' .. redis.call('ZCARD', times)
redis.call('PUBLISH', ARGV[2], table.concat(lines, '\\n'))`;

/** KEYS: times, data. Returns a report of the whole field, as a message of the channel. */
const readScript = `${begin}
local lines = {(redis.call('HGET', data, '') or '0') .. ' ' .. redis.call('ZCOUNT', times, since, '+inf')}
local found = redis.call('ZREVRANGEBYSCORE', times, '+inf', since, 'WITHSCORES', 'LIMIT', 0, ${maxDevicesPerField})
for i = 1, #found, 2 do
  local entry = redis.call('HGET', data, found[i])
  if entry then lines[#lines + 1] = '+' .. string.sub(entry, string.find(entry, ' ', 1, true) + 1) end
  lines[#lines + 1] = '=' .. string.format('%.0f', math.max(0, now - found[i + 1])) .. ' ' .. found[i]
end
return table.concat(lines, '\\n')`;

/** KEYS: times, data. Returns the number of the last message, and how many devices are present. */
const checkScript = `${begin}
return {tonumber(redis.call('HGET', data, '') or '0'), redis.call('ZCOUNT', times, since, '+inf')}`;

/** What presence needs of a connection to Redis: the simulation implements it in memory. */
export interface PresenceConnection {
  defineCommand(name: string, definition: { readonly numberOfKeys: number; readonly lua: string }): void;
}

interface ScriptedRedis extends PresenceConnection {
  reportPresence(times: string, data: string, ...args: (string | number)[]): Promise<unknown>;
  readPresence(times: string, data: string): Promise<string>;
  checkPresence(times: string, data: string): Promise<[sequence: number, count: number]>;
}

/** All methods reject with whatever ioredis throws when Redis is unavailable. */
export class PresenceStore {
  readonly #redis: ScriptedRedis;
  readonly #keys: CacheKeys;
  /** Has the same length in all processes. */
  readonly #process = randomBytes(8).toString('hex');

  constructor(redis: PresenceConnection, keys: CacheKeys) {
    redis.defineCommand('reportPresence', { numberOfKeys: 2, lua: reportScript });
    redis.defineCommand('readPresence', { numberOfKeys: 2, lua: readScript });
    redis.defineCommand('checkPresence', { numberOfKeys: 2, lua: checkScript });
    this.#redis = redis as ScriptedRedis;
    this.#keys = keys;
  }

  /** Stores a report and publishes it. */
  async report(field: FieldId, { shown, heard, gone }: PresenceReport): Promise<void> {
    const keys = this.#keysOf(field);
    await this.#redis.reportPresence(
      ...keys,
      this.#process,
      this.#keys.presenceChannel(field),
      shown.length,
      ...shown.flatMap(({ device, json }) => [device, json]),
      heard.length,
      ...heard.flatMap(({ id, agoMs }) => [id, Math.round(agoMs)]),
      ...gone,
    );
  }

  /** All that is known of a field, with the number of the last report in it. */
  async read(field: FieldId): Promise<NumberedReport> {
    const report = parseReport(await this.#redis.readPresence(...this.#keysOf(field)));
    if (!report) throw new Error('the presence of a field could not be read');
    return report;
  }

  async check(field: FieldId): Promise<{ readonly sequence: number; readonly count: number }> {
    const [sequence, count] = await this.#redis.checkPresence(...this.#keysOf(field));
    return { sequence, count };
  }

  #keysOf(field: FieldId): [times: string, data: string] {
    return [this.#keys.presenceTimesKey(field), this.#keys.presenceDataKey(field)];
  }
}
