/**
 * The copy of the fields in the cache Redis, and the channel on which changes to them are published. It is never the
 * source of truth: whatever is missing or late here can be read from PostgreSQL.
 *
 * Invariant: the version of a copy never decreases. Every write compares versions inside a Lua script, so that concurrent
 * writers leave the newest state in whatever order they arrive. Messages are delivered at most once; subscribers detect
 * gaps by the versions in them and fill them from the log.
 */
import type { Redis } from 'ioredis';
import type { FieldId } from '../field/ids.ts';
import type { CacheKeys } from './cache-keys.ts';
import { encodeChangeMessage } from './change-message.ts';
import { decodeHash, encodeHash, listRemovedEntries } from './field-hash.ts';
import type { StateFragments } from './state-fragments.ts';

/** A committed change in the form that the cache and the channel need. */
export interface Publication {
  /** The version before the commit. */
  readonly from: number;
  /** The changed parts of the state, as of the commit. */
  readonly fragments: StateFragments;
  /** The delta message in JSON, as subscribers receive it. */
  readonly delta: string;
  /** Creates the fragments of the whole state; called only if the cached copy cannot be patched. */
  readonly fullState: () => StateFragments;
}

/** `HSET`s the rest of ARGV in slices, since `unpack` is limited by the size of Lua's stack. */
const setPairs = `
local function set_pairs(key, first)
  for i = first, #ARGV, 1000 do
    redis.call('HSET', key, unpack(ARGV, i, math.min(i + 999, #ARGV)))
  end
end`;

/**
 * Patches a copy at `from` and publishes the message in one step, so that no subscriber reads a copy older than a message
 * that it has received. KEYS: state. ARGV: from, to, TTL in s, channel, message, number of removals, removals…, pairs…
 * Returns 1, having done nothing, when there is no copy or it is older than `from`; then the whole state is needed.
 */
const patchScript = `${setPairs}
local cached = tonumber(redis.call('HGET', KEYS[1], 'version') or '-1')
local from, to, removals = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[6])
if cached < from then return 1 end
if cached == from and to > from then
  for i = 7, 6 + removals, 1000 do
    redis.call('HDEL', KEYS[1], unpack(ARGV, i, math.min(i + 999, 6 + removals)))
  end
  set_pairs(KEYS[1], 7 + removals)
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 0`;

/**
 * Replaces a copy that is missing or older, and publishes the message. KEYS: state. ARGV: version, TTL in s, channel
 * ('' to publish nothing), message, pairs…
 */
const replaceScript = `${setPairs}
local cached = tonumber(redis.call('HGET', KEYS[1], 'version') or '-1')
if cached < tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[1])
  set_pairs(KEYS[1], 5)
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return 0`;

/** Stands for a missing copy; lower than every version. */
const noVersion = -1;

/** KEYS: state. ARGV: the version the caller has. Returns the version, and the values of all entries if it is newer. */
const readScript = `
local version = redis.call('HGET', KEYS[1], 'version')
if not version then return {-1} end
if tonumber(version) <= tonumber(ARGV[1]) then return {tonumber(version)} end
return {tonumber(version), redis.call('HVALS', KEYS[1])}`;

interface ScriptedRedis extends Redis {
  readField(key: string, known: number): Promise<[version: number, values?: string[]]>;
  patchField(key: string, ...args: (string | number)[]): Promise<number>;
  replaceField(key: string, ...args: (string | number)[]): Promise<number>;
}

export class FieldCache {
  readonly #redis: ScriptedRedis;
  readonly #keys: CacheKeys;
  readonly #ttlSeconds: number;

  constructor(redis: Redis, keys: CacheKeys, ttlSeconds: number) {
    redis.defineCommand('patchField', { numberOfKeys: 1, lua: patchScript });
    redis.defineCommand('replaceField', { numberOfKeys: 1, lua: replaceScript });
    redis.defineCommand('readField', { numberOfKeys: 1, lua: readScript });
    this.#redis = redis as ScriptedRedis;
    this.#keys = keys;
    this.#ttlSeconds = ttlSeconds;
  }

  /**
   * Writes a commit to the cache and publishes its delta, atomically.
   * @throws whatever ioredis throws when Redis is unavailable; the commit can be published again later
   */
  async publish({ from, fragments, delta, fullState }: Publication): Promise<void> {
    const key = this.#keys.stateKey(fragments.field);
    const channel = this.#keys.fieldChannel(fragments.field);
    const message = encodeChangeMessage({ from, to: fragments.version, delta });
    const removals = listRemovedEntries(fragments);
    const needsFullState = await this.#redis.patchField(
      key,
      from,
      fragments.version,
      this.#ttlSeconds,
      channel,
      message,
      removals.length,
      ...removals,
      ...encodeHash(fragments),
    );
    if (needsFullState === 1) {
      const entries = encodeHash(fullState());
      await this.#redis.replaceField(key, fragments.version, this.#ttlSeconds, channel, message, ...entries);
    }
  }

  /** Stores a state that was read from PostgreSQL, unless the cache has one that is as new. Publishes nothing. */
  async populate(fragments: StateFragments): Promise<void> {
    const key = this.#keys.stateKey(fragments.field);
    await this.#redis.replaceField(key, fragments.version, this.#ttlSeconds, '', '', ...encodeHash(fragments));
  }

  /** The version of the cached copy; undefined when there is none. */
  async readVersion(field: FieldId): Promise<number | undefined> {
    const version = await this.#redis.hget(this.#keys.stateKey(field), 'version');
    return version === null ? undefined : Number(version);
  }

  /** The cached copy; undefined when there is none. */
  async read(field: FieldId): Promise<StateFragments | undefined> {
    return (await this.readNewer(field))?.fragments;
  }

  /** The version of the cached copy, and the copy itself if it is newer than `known`; undefined when there is none. */
  async readNewer(
    field: FieldId,
    known = noVersion,
  ): Promise<{ version: number; fragments?: StateFragments } | undefined> {
    const [version, values] = await this.#redis.readField(this.#keys.stateKey(field), known);
    if (version === noVersion) return undefined;
    const fragments = values && decodeHash(field, values);
    return fragments ? { version, fragments } : { version };
  }

  /** Publishes the results of a request's updates to the API process that waits for them. */
  async publishReply(process: string, message: string): Promise<void> {
    await this.#redis.publish(this.#keys.replyChannel(process), message);
  }
}
