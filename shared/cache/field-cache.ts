/**
 * The copy of the fields in Redis, and the channel that says they have changed.
 *
 * A field is one hash: its version, its head, and an entry for every particle and cell, so that a commit writes only
 * what it changed. An entry's value says all, so that a reader asks for values alone: half the strings, half the cost.
 * Every write is guarded by the version: whatever the order in which writers come, the newest stays.
 * A published message is a hint that carries versions; who misses one heals from the log.
 */
import type { Redis } from 'ioredis';
import type { FieldId } from '../field/ids.ts';
import type { CellFragment, ParticleFragment, StateFragments, StateHeader } from './state-fragments.ts';

/** Names the keys and channels of one installation: a restored or second database never meets the other's copies. */
export interface CacheKeys {
  stateKey(field: FieldId): string;
  fieldChannel(field: FieldId): string;
  replyChannel(process: string): string;
  presenceKey(field: FieldId): string;
  /** Says that tokens were revoked; what it says is in PostgreSQL. */
  readonly revocationChannel: string;
  /** What the keys of limits start with. */
  readonly limitPrefix: string;
}

export function createCacheKeys(prefix: string, installation: string): CacheKeys {
  const base = `${prefix}:${installation}`;
  return {
    // Names the format as well: processes of two versions may share a Redis while one replaces the other.
    stateKey: (field) => `${base}:state-2:{${field}}`,
    fieldChannel: (field) => `${base}:changes:${field}`,
    replyChannel: (process) => `${base}:replies:${process}`,
    presenceKey: (field) => `${base}:presence:{${field}}`,
    revocationChannel: `${base}:revocations`,
    limitPrefix: `${base}:limits`,
  };
}

/** A committed change, ready for the cache and the channel. */
export interface Publication {
  /** The version that the change stands on. */
  readonly from: number;
  /** What was touched, as it is now. */
  readonly fragments: StateFragments;
  /** The delta message, as it goes to the readers. */
  readonly delta: string;
  /** The whole state, cut only if the cache needs it. */
  readonly fullState: () => StateFragments;
}

/** What came over a field's channel: a delta, and the versions that it leads from and to. */
export interface ChangeMessage {
  readonly from: number;
  readonly to: number;
  readonly delta: string;
}

/** `HSET`s the rest of ARGV in slices, since Lua's stack is bounded. */
const setPairs = `
local function set_pairs(key, first)
  for i = first, #ARGV, 1000 do
    redis.call('HSET', key, unpack(ARGV, i, math.min(i + 999, #ARGV)))
  end
end`;

/** KEYS: state. ARGV: from, to, ttl, channel, message, number of removals, removals…, pairs… → 1 when the whole is needed. */
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

/** KEYS: state. ARGV: version, ttl, channel ('' for none), message, pairs… */
const replaceScript = `${setPairs}
local cached = tonumber(redis.call('HGET', KEYS[1], 'version') or '-1')
if cached < tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[1])
  set_pairs(KEYS[1], 5)
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return 0`;

/** Older than any. */
const noVersion = -1;

/** KEYS: state. ARGV: a version that is known → the version, and the values of all entries if it is newer. */
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

  /** Writes a commit and publishes its delta, in one step. @throws when Redis is away: then nothing is lost but time. */
  async publish({ from, fragments, delta, fullState }: Publication): Promise<void> {
    const key = this.#keys.stateKey(fragments.field);
    const channel = this.#keys.fieldChannel(fragments.field);
    const message = `${from} ${fragments.version}\n${delta}`;
    const removals = fragments.particles.filter(({ json }) => json === undefined).map(({ id }) => `p:${id}`);
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

  /** Fills a cold cache from what was read of PostgreSQL; a newer copy stays. */
  async populate(fragments: StateFragments): Promise<void> {
    const key = this.#keys.stateKey(fragments.field);
    await this.#redis.replaceField(key, fragments.version, this.#ttlSeconds, '', '', ...encodeHash(fragments));
  }

  /** The version of the copy, or undefined when there is none. */
  async readVersion(field: FieldId): Promise<number | undefined> {
    const version = await this.#redis.hget(this.#keys.stateKey(field), 'version');
    return version === null ? undefined : Number(version);
  }

  /** The whole copy, or undefined when there is none. */
  async read(field: FieldId): Promise<StateFragments | undefined> {
    return (await this.readNewer(field))?.fragments;
  }

  /** The version of the copy, and the copy itself if it is newer than what is known; undefined when there is none. */
  async readNewer(
    field: FieldId,
    known = noVersion,
  ): Promise<{ version: number; fragments?: StateFragments } | undefined> {
    const [version, values] = await this.#redis.readField(this.#keys.stateKey(field), known);
    if (version === noVersion) return undefined;
    const fragments = values && decodeHash(field, values);
    return fragments ? { version, fragments } : { version };
  }

  /** Tells a waiting request what became of its updates. */
  async publishReply(process: string, message: string): Promise<void> {
    await this.#redis.publish(this.#keys.replyChannel(process), message);
  }
}

export function parseChangeMessage(message: string): ChangeMessage {
  const end = message.indexOf('\n');
  const [from, to] = message.slice(0, end).split(' ').map(Number);
  if (from === undefined || to === undefined) throw new Error('a message on a field channel has no versions');
  return { from, to, delta: message.slice(end + 1) };
}

/**
 * Names and values in turns. A value begins with its kind: the version is a number, the head a JSON object, and
 * `p<order> <length of the id> <id><json>` and `c<cell> <json>` are particles and cells.
 */
function encodeHash({ version, header, particles, cells }: StateFragments): string[] {
  const entries = ['version', String(version), 'head', JSON.stringify(header)];
  for (const { id, order, json } of particles) {
    if (json !== undefined) entries.push(`p:${id}`, `p${order} ${id.length} ${id}${json}`);
  }
  for (const { cell, json } of cells) entries.push(`c:${cell}`, `c${cell} ${json}`);
  return entries;
}

function decodeHash(field: FieldId, values: readonly string[]): StateFragments | undefined {
  let version: number | undefined;
  let header: StateHeader | undefined;
  const particles: ParticleFragment[] = [];
  const cells: CellFragment[] = [];
  for (const value of values) {
    if (value.startsWith('p')) particles.push(decodeParticle(value));
    else if (value.startsWith('c')) {
      const separatorAt = value.indexOf(' ');
      cells.push({ cell: value.slice(1, separatorAt), json: value.slice(separatorAt + 1) });
    } else if (value.startsWith('{')) header = JSON.parse(value) as StateHeader;
    else version = Number(value);
  }
  if (version === undefined || header === undefined) return undefined;
  return { field, version, header, particles, cells, quantumFieldsChanged: true };
}

function decodeParticle(value: string): ParticleFragment {
  const afterOrder = value.indexOf(' ');
  const afterLength = value.indexOf(' ', afterOrder + 1);
  const idAt = afterLength + 1;
  const jsonAt = idAt + Number(value.slice(afterOrder + 1, afterLength));
  return { id: value.slice(idAt, jsonAt), order: Number(value.slice(1, afterOrder)), json: value.slice(jsonAt) };
}
