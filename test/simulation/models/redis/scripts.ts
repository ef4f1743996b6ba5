/** The Lua scripts of `shared/cache/field-cache.ts` and `api/presence/presence-store.ts`, by the names under which they are defined. */
import { presenceTtlMs } from '../../../../api/presence/presence-store.ts';
import type { Cursor } from '../../../../shared/field/cursor.ts';

import type { RedisServer } from './redis-server.ts';

type Argument = string | number;
export type Script = (server: RedisServer, args: readonly Argument[]) => unknown;

/** What becomes of a copy when a commit from one cursor to another is published. A planted fault replaces the decision. */
export type DecideOnCopy = (cached: Cursor, from: Cursor, to: Cursor) => 'patch' | 'keep' | 'delete';

export const decideByCursor: DecideOnCopy = (cached, from, to) => {
  if (cached === to) return 'keep';
  return cached === from ? 'patch' : 'delete';
};

export function createScripts(decide: DecideOnCopy): Readonly<Record<string, Script>> {
  return {
    patchField: (server, args) => patchField(server, args, decide),
    beginFill,
    fillField,
    invalidateField,
    readField,
    reportPresence,
    readPresence,
    checkPresence,
  };
}

function patchField(server: RedisServer, args: readonly Argument[], decide: DecideOnCopy): number {
  const [stateKey = '', tokenKey = '', from = '', to = '', ttl = 0, channel = '', message = '', count = 0, ...rest] =
    args.map(String);
  const hash = server.readHash(stateKey);
  const cached = hash?.get('cursor');
  const decision = cached === undefined ? 'delete' : decide(cached as Cursor, from as Cursor, to as Cursor);
  if (hash && decision === 'patch') {
    const next = new Map(hash);
    for (const removed of rest.slice(0, Number(count))) next.delete(removed);
    setPairs(next, rest.slice(Number(count)));
    server.writeHash(stateKey, next, Number(ttl));
  }
  if (decision === 'delete') server.delete(stateKey, tokenKey);
  server.publish(channel, message);
  return decision === 'delete' ? 0 : 1;
}

function beginFill(server: RedisServer, args: readonly Argument[]): string {
  const [tokenKey = '', token = '', ttl = 0] = args.map(String);
  const current = server.get(tokenKey);
  if (current !== undefined) return current;
  server.set(tokenKey, token, Number(ttl));
  return token;
}

function fillField(server: RedisServer, args: readonly Argument[]): number {
  const [stateKey = '', tokenKey = '', token = '', ttl = 0, ...pairs] = args.map(String);
  if (server.get(tokenKey) !== token || server.readHash(stateKey)) return 0;
  const hash = new Map<string, string>();
  setPairs(hash, pairs);
  server.writeHash(stateKey, hash, Number(ttl));
  return 1;
}

function invalidateField(server: RedisServer, args: readonly Argument[]): number {
  const [stateKey = '', tokenKey = '', cursor = ''] = args.map(String);
  if (server.readHash(stateKey)?.get('cursor') !== cursor) return 0;
  server.delete(stateKey, tokenKey);
  return 1;
}

function readField(server: RedisServer, args: readonly Argument[]): unknown[] {
  const [stateKey = '', known = ''] = args.map(String);
  const hash = server.readHash(stateKey);
  const cursor = hash?.get('cursor');
  if (!hash || cursor === undefined) return [];
  return cursor === known ? [cursor] : [cursor, [...hash.values()]];
}

const presenceKeyTtlSeconds = 60;

function reportPresence(server: RedisServer, args: readonly Argument[]): null {
  const [timesKey = '', dataKey = '', process = '', channel = '', shownCount = 0, ...rest] = args.map(String);
  const times = readPresent(server, timesKey);
  const data = new Map(server.readHash(dataKey));
  const lines: string[] = [];
  for (const [id, json] of takePairs(rest, Number(shownCount))) {
    data.set(id, `${process} ${json}`);
    times.set(id, server.now);
    lines.push(`+${json}`);
  }
  for (const [id, agoMs] of takePairs(rest, Number(rest.shift()))) {
    times.set(id, Math.max(times.get(id) ?? 0, server.now - Number(agoMs)));
    lines.push(`=${agoMs} ${id}`);
  }
  for (const id of rest) {
    if (data.get(id)?.startsWith(process) === false) continue;
    data.delete(id);
    times.delete(id);
    lines.push(`-${id}`);
  }
  const sequence = Number(data.get('') ?? 0) + 1;
  data.set('', String(sequence));
  server.writeHash(dataKey, data, presenceKeyTtlSeconds);
  server.writeSortedSet(timesKey, times, presenceKeyTtlSeconds);
  server.publish(channel, [`${sequence} ${times.size}`, ...lines].join('\n'));
  return null;
}

function readPresence(server: RedisServer, args: readonly Argument[]): string {
  const [timesKey = '', dataKey = ''] = args.map(String);
  const times = readPresent(server, timesKey);
  const data = server.readHash(dataKey);
  const lines = [...times].flatMap(([id, at]) => {
    const entry = data?.get(id);
    const shown = entry === undefined ? [] : [`+${entry.slice(entry.indexOf(' ') + 1)}`];
    return [...shown, `=${server.now - at} ${id}`];
  });
  return [`${data?.get('') ?? 0} ${times.size}`, ...lines].join('\n');
}

function checkPresence(server: RedisServer, args: readonly Argument[]): number[] {
  const [timesKey = '', dataKey = ''] = args.map(String);
  return [Number(server.readHash(dataKey)?.get('') ?? 0), readPresent(server, timesKey).size];
}

/** When each device was heard, without those that are gone. */
function readPresent(server: RedisServer, key: string): Map<string, number> {
  return new Map([...server.readSortedSet(key)].filter(([, at]) => at >= server.now - presenceTtlMs));
}

/** Removes pairs from the front of a list. */
function takePairs(list: string[], count: number): [string, string][] {
  const taken = list.splice(0, 2 * count);
  return Array.from({ length: count }, (_, index) => [taken[2 * index] ?? '', taken[2 * index + 1] ?? '']);
}

function setPairs(hash: Map<string, string>, pairs: readonly string[]): void {
  for (let index = 0; index < pairs.length; index += 2) hash.set(pairs[index] ?? '', pairs[index + 1] ?? '');
}
