/**
 * The copy of the fields in the cache Redis, and the channel on which changes to them are published. It is never the source of
 * truth: anything missing or late here can be read from PostgreSQL.
 *
 * A copy is only ever patched by the commit that continues its cursor. A commit that finds another cursor cannot determine which of
 * the two is newer, or whether one belongs to a history that a failover has ended, so it deletes the copy. A whole state is stored
 * only under a fill token that was taken before the state was read from PostgreSQL; every deletion invalidates the token, so that a
 * delayed writer cannot restore an old state. Messages are delivered at most once; subscribers detect gaps by the cursors in them
 * and fill them from the log.
 */
import { randomUUID } from 'node:crypto';
import type { Cursor } from '../field/cursor.ts';
import type { FieldId } from '../field/ids.ts';
import type { CacheKeys } from './cache-keys.ts';
import { encodeChangeMessage } from './change-message.ts';
import { decodeHash, encodeHash, listRemovedEntries } from './field-hash.ts';
import type { StateFragments } from './state-fragments.ts';

/** A committed change in the form that the cache and the channel need. */
export interface Publication {
  /** The cursor before the commit. */
  readonly from: Cursor;
  /** The changed parts of the state, as of the commit. */
  readonly fragments: StateFragments;
  /** The delta message in JSON, as subscribers receive it. */
  readonly delta: string;
  /** Whether it is an erasure. */
  readonly isErasure?: boolean;
  /** The traces of the requests, as `traceparent` headers. */
  readonly traceparents?: readonly string[];
}

/** Permission to store a state that is read from PostgreSQL after the token was taken. */
export type FillToken = string;

/** `HSET`s the rest of ARGV in slices, since `unpack` is limited by the size of Lua's stack. */
const setPairs = `
local function set_pairs(key, first)
  for i = first, #ARGV, 1000 do
    redis.call('HSET', key, unpack(ARGV, i, math.min(i + 999, #ARGV)))
  end
end`;

/**
 * Patches a copy at `from`, deletes any other copy, and publishes the message, in one step, so that no subscriber reads a
 * copy older than a message that it has received. KEYS: state, token. ARGV: from, to, TTL in s, channel, message, number of
 * removals, removals…, pairs… Returns whether there is a copy now.
 */
const patchScript = `${setPairs}
local cached, from, to, removals = redis.call('HGET', KEYS[1], 'cursor'), ARGV[1], ARGV[2], tonumber(ARGV[6])
local has_copy = 1
if cached == from and from ~= to then
  for i = 7, 6 + removals, 1000 do
    redis.call('HDEL', KEYS[1], unpack(ARGV, i, math.min(i + 999, 6 + removals)))
  end
  set_pairs(KEYS[1], 7 + removals)
  redis.call('EXPIRE', KEYS[1], ARGV[3])
elseif cached ~= to then
  redis.call('DEL', KEYS[1], KEYS[2])
  has_copy = 0
end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return has_copy`;

/** Returns the current token, or makes the given one current. KEYS: token. ARGV: token, TTL in s. */
const beginFillScript = `
local current = redis.call('GET', KEYS[1])
if current then return current end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]`;

/** Stores a state if the token is current and there is no copy. KEYS: state, token. ARGV: token, TTL in s, pairs… */
const fillScript = `${setPairs}
if redis.call('GET', KEYS[2]) ~= ARGV[1] or redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
set_pairs(KEYS[1], 3)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1`;

/** Deletes a copy and invalidates the token, if the copy is at the cursor. KEYS: state, token. ARGV: cursor. */
const invalidateScript = `
if redis.call('HGET', KEYS[1], 'cursor') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
return 1`;

/** KEYS: state. ARGV: the cursor the caller has. Returns the cursor, and the values of all entries if it is another one. */
const readScript = `
local cursor = redis.call('HGET', KEYS[1], 'cursor')
if not cursor then return {} end
if cursor == ARGV[1] then return {cursor} end
return {cursor, redis.call('HVALS', KEYS[1])}`;

/** The part of a connection to Redis that the cache uses. The simulation implements it in memory. */
export interface CacheConnection {
  defineCommand(name: string, definition: { readonly numberOfKeys: number; readonly lua: string }): void;
  hget(key: string, field: string): Promise<string | null>;
  publish(channel: string, message: string): Promise<number>;
}

interface ScriptedRedis extends CacheConnection {
  readField(key: string, known: string): Promise<[cursor?: Cursor, values?: string[]]>;
  patchField(stateKey: string, tokenKey: string, ...args: (string | number)[]): Promise<number>;
  beginFill(tokenKey: string, token: string, ttlSeconds: number): Promise<FillToken>;
  fillField(stateKey: string, tokenKey: string, ...args: (string | number)[]): Promise<number>;
  invalidateField(stateKey: string, tokenKey: string, cursor: Cursor): Promise<number>;
}

/** Longer than any read of a state takes. */
const fillTokenTtlSeconds = 60;

export class FieldCache {
  readonly #redis: ScriptedRedis;
  readonly #keys: CacheKeys;
  readonly #ttlSeconds: number;

  constructor(redis: CacheConnection, keys: CacheKeys, ttlSeconds: number) {
    redis.defineCommand('patchField', { numberOfKeys: 2, lua: patchScript });
    redis.defineCommand('beginFill', { numberOfKeys: 1, lua: beginFillScript });
    redis.defineCommand('fillField', { numberOfKeys: 2, lua: fillScript });
    redis.defineCommand('invalidateField', { numberOfKeys: 2, lua: invalidateScript });
    redis.defineCommand('readField', { numberOfKeys: 1, lua: readScript });
    this.#redis = redis as ScriptedRedis;
    this.#keys = keys;
    this.#ttlSeconds = ttlSeconds;
  }

  /**
   * Patches the copy and publishes the delta, atomically.
   * @returns whether there is a copy at the commit's cursor now; otherwise the caller may fill the cache
   * @throws whatever ioredis throws when Redis is unavailable; the commit can be published again later
   */
  async publish({ from, fragments, delta, ...marks }: Publication): Promise<boolean> {
    const { field, cursor } = fragments;
    const removals = listRemovedEntries(fragments);
    const hasCopy = await this.#redis.patchField(
      this.#keys.stateKey(field),
      this.#keys.fillTokenKey(field),
      from,
      cursor,
      this.#ttlSeconds,
      this.#keys.fieldChannel(field),
      encodeChangeMessage({ from, to: cursor, delta, ...marks }),
      removals.length,
      ...removals,
      ...encodeHash(fragments),
    );
    return hasCopy === 1;
  }

  /** To be called before the state is read from PostgreSQL. */
  async beginFill(field: FieldId): Promise<FillToken> {
    return this.#redis.beginFill(this.#keys.fillTokenKey(field), randomUUID(), fillTokenTtlSeconds);
  }

  /** Stores a state that was read from PostgreSQL after the token was taken, unless the token has been invalidated. */
  async fill(token: FillToken, fragments: StateFragments): Promise<void> {
    const [stateKey, tokenKey] = [this.#keys.stateKey(fragments.field), this.#keys.fillTokenKey(fragments.field)];
    await this.#redis.fillField(stateKey, tokenKey, token, this.#ttlSeconds, ...encodeHash(fragments));
  }

  /** Deletes the copy if it is still at `cursor`, after PostgreSQL was found to be at another one. */
  async invalidate(field: FieldId, cursor: Cursor): Promise<void> {
    await this.#redis.invalidateField(this.#keys.stateKey(field), this.#keys.fillTokenKey(field), cursor);
  }

  /** The cursor of the cached copy; undefined when there is none. */
  async readCursor(field: FieldId): Promise<Cursor | undefined> {
    const cursor = await this.#redis.hget(this.#keys.stateKey(field), 'cursor');
    return cursor === null ? undefined : (cursor as Cursor);
  }

  /** The cached copy; undefined when there is none. */
  async read(field: FieldId): Promise<StateFragments | undefined> {
    return (await this.readUnless(field))?.fragments;
  }

  /** The cursor of the cached copy, and the copy itself unless it is at `known`; undefined when there is none. */
  async readUnless(
    field: FieldId,
    known?: Cursor,
  ): Promise<{ cursor: Cursor; fragments?: StateFragments } | undefined> {
    const [cursor, values] = await this.#redis.readField(this.#keys.stateKey(field), known ?? '');
    if (cursor === undefined) return undefined;
    const fragments = values && decodeHash(field, values);
    return fragments ? { cursor, fragments } : { cursor };
  }

  /** Publishes the results of a request's updates to the API process that waits for them. */
  async publishReply(process: string, message: string): Promise<void> {
    await this.#redis.publish(this.#keys.replyChannel(process), message);
  }
}
