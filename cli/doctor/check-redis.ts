/** A Redis in one of its two roles: reachable, new enough, set so that its role can be kept, and with memory left. */
import type { Redis } from 'ioredis';
import { readRedisSettings } from '../../shared/redis/connect.ts';
import { addressOf } from '../backends/with-database.ts';
import { reasonOf } from '../errors/cli-error.ts';
import { checkClock, measure } from './check-clock.ts';
import { type Finding, fine, found, type Subject } from './findings.ts';

const oldestVersion = 6.2;
const shortShare = 0.7;
const settingNames = ['appendonly', 'appendfsync', 'maxmemory', 'maxmemory-policy'] as const;

export type Role = 'queue' | 'cache';
export const subjectOf = (role: Role): Subject => `the ${role}'s Redis`;

interface Target {
  readonly role: Role;
  readonly url: string;
  /** Weakness is allowed in development, or by ALLOW_WEAK_DURABILITY. */
  readonly mayForget: boolean;
}

interface Examined {
  readonly findings: Finding[];
  /** Names the server, whatever its address. */
  readonly runId: string | undefined;
}

export async function checkRedis(redis: Redis, target: Target): Promise<Examined> {
  const subject = subjectOf(target.role);
  const reading = await measure(() => redis.info());
  const info = parseInfo(reading.answer);
  const time = await measure(() => redis.time());
  const [seconds = 0, micros = 0] = time.answer.map(Number);
  const version = info.redis_version ?? 'of an unknown version';
  const findings = [
    fine(subject, `${version} at ${addressOf(target.url)} answers in ${Math.round(reading.tookMs)} ms`),
    ...judgeVersion(subject, version),
    ...judgeWrites(subject, info),
    ...(await checkSettings(redis, target, Number(info.used_memory))),
    ...checkClock(subject, seconds * 1000 + micros / 1000, time),
  ];
  return { findings, runId: info.run_id };
}

export function explainUnreachable(role: Role, error: unknown): Finding {
  const reason = reasonOf(error);
  const isRefusal = /\b(WRONGPASS|NOAUTH|NOPERM)\b/.test(reason);
  return found(subjectOf(role), isRefusal ? 'redis_refuses' : 'redis_unreachable', reason);
}

export function judgeVersion(subject: Subject, version: string): Finding[] {
  return Number.parseFloat(version) < oldestVersion ? [found(subject, 'redis_too_old', `it is ${version}`)] : [];
}

function judgeWrites(subject: Subject, info: Info): Finding[] {
  const failing = ['aof_last_write_status', 'rdb_last_bgsave_status'].filter((name) => info[name] === 'err');
  return failing.map((name) => found(subject, 'redis_cannot_write', `${name} is err`));
}

async function checkSettings(redis: Redis, target: Target, usedMemory: number): Promise<Finding[]> {
  const subject = subjectOf(target.role);
  try {
    const settings = await readRedisSettings(redis, settingNames);
    return target.role === 'queue' ? judgeQueue(settings, target, usedMemory) : judgeCache(settings);
  } catch (error) {
    return [found(subject, 'redis_settings_hidden', reasonOf(error))];
  }
}

type Settings = Record<string, string | undefined>;

function judgeQueue(settings: Settings, { mayForget }: Target, usedMemory: number): Finding[] {
  const subject = subjectOf('queue');
  const { appendonly, appendfsync, 'maxmemory-policy': policy } = settings;
  const maxMemory = Number(settings.maxmemory);
  const level = mayForget ? 'warning' : undefined;
  const findings: Finding[] = [];
  if (appendonly !== 'yes') findings.push(found(subject, 'queue_may_forget', `appendonly is ${appendonly}`, level));
  else if (appendfsync !== 'always') {
    findings.push(found(subject, 'queue_may_forget', `appendfsync is ${appendfsync}`, level));
  }
  if (policy !== 'noeviction') {
    findings.push(found(subject, 'queue_may_evict', `maxmemory-policy is ${policy}`, level));
  }
  if (maxMemory > 0 && usedMemory > maxMemory * shortShare) {
    const share = Math.round((usedMemory / maxMemory) * 100);
    findings.push(found(subject, 'queue_memory_short', `${share} % of maxmemory is in use`));
  }
  return findings.length > 0 ? findings : [fine(subject, 'keeps every write, and evicts nothing')];
}

function judgeCache({ maxmemory, 'maxmemory-policy': policy }: Settings): Finding[] {
  if (Number(maxmemory) === 0 || policy !== 'noeviction') return [];
  const message = 'maxmemory is set, and maxmemory-policy is noeviction';
  return [found(subjectOf('cache'), 'cache_never_evicts', message)];
}

type Info = Readonly<Record<string, string | undefined>>;

function parseInfo(text: string): Info {
  return Object.fromEntries([...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name, value]) => [name, value]));
}
