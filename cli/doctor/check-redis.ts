/** Checks a Redis in one of its two roles: version, durability and eviction settings, free memory and clock. */
import type { Redis } from 'ioredis';
import { listQueueWeaknesses, queueSettingNames } from '../../shared/queue/redis-health.ts';
import { readRedisSettings } from '../../shared/redis/connect.ts';
import { describeAddress } from '../backends/with-database.ts';
import { reasonOf } from '../errors/cli-error.ts';
import { checkClock, timeRequest } from './check-clock.ts';
import { type Finding, finding, ok, type Subject } from './findings.ts';

const minVersion = 6.2;
const highMemoryRatio = 0.7;
const settingNames = [...queueSettingNames, 'maxmemory'] as const;

export type Role = 'queue' | 'cache';
export const subjectOf = (role: Role): Subject => `the ${role}'s Redis`;

interface CheckRedisOptions {
  readonly role: Role;
  readonly url: string;
  /** Weak durability is a warning in development and with ALLOW_WEAK_DURABILITY, otherwise a problem. */
  readonly allowWeakDurability: boolean;
}

interface RedisCheckResult {
  readonly findings: Finding[];
  /** Identifies the server, whatever its address. */
  readonly runId: string | undefined;
}

export async function checkRedis(redis: Redis, options: CheckRedisOptions): Promise<RedisCheckResult> {
  const subject = subjectOf(options.role);
  const timedInfo = await timeRequest(() => redis.info());
  const info = parseInfo(timedInfo.value);
  const timedClock = await timeRequest(() => redis.time());
  const [seconds = 0, micros = 0] = timedClock.value.map(Number);
  const version = info.redis_version ?? 'unknown version';
  const findings = [
    ok(subject, `${version} at ${describeAddress(options.url)} responds in ${Math.round(timedInfo.durationMs)} ms`),
    ...evaluateVersion(subject, version),
    ...evaluateWrites(subject, info),
    ...(await checkSettings(redis, options, Number(info.used_memory))),
    ...checkClock(subject, seconds * 1000 + micros / 1000, timedClock),
  ];
  return { findings, runId: info.run_id };
}

export function explainUnreachable(role: Role, error: unknown): Finding {
  const reason = reasonOf(error);
  const isRefusal = /\b(WRONGPASS|NOAUTH|NOPERM)\b/.test(reason);
  return finding(subjectOf(role), isRefusal ? 'redis_access_denied' : 'redis_unreachable', reason);
}

export function evaluateVersion(subject: Subject, version: string): Finding[] {
  return Number.parseFloat(version) < minVersion
    ? [finding(subject, 'redis_too_old', `its version is ${version}`)]
    : [];
}

function evaluateWrites(subject: Subject, info: Info): Finding[] {
  const failing = ['aof_last_write_status', 'rdb_last_bgsave_status'].filter((name) => info[name] === 'err');
  return failing.map((name) => finding(subject, 'redis_cannot_write', `${name} is err`));
}

async function checkSettings(redis: Redis, options: CheckRedisOptions, usedMemory: number): Promise<Finding[]> {
  const subject = subjectOf(options.role);
  try {
    const settings = await readRedisSettings(redis, settingNames);
    return options.role === 'queue'
      ? evaluateQueueSettings(settings, options, usedMemory)
      : evaluateCacheSettings(settings);
  } catch (error) {
    return [finding(subject, 'redis_settings_unreadable', reasonOf(error))];
  }
}

type Settings = Record<string, string | undefined>;

function evaluateQueueSettings(
  settings: Settings,
  { allowWeakDurability }: CheckRedisOptions,
  usedMemory: number,
): Finding[] {
  const subject = subjectOf('queue');
  const maxMemory = Number(settings.maxmemory);
  const level = allowWeakDurability ? 'warning' : undefined;
  const findings = listQueueWeaknesses(settings).map((weakness) => {
    const code = weakness.startsWith('maxmemory-policy') ? 'queue_evicts_jobs' : 'queue_not_durable';
    return finding(subject, code, weakness, level);
  });
  if (maxMemory > 0 && usedMemory > maxMemory * highMemoryRatio) {
    const usedPercent = Math.round((usedMemory / maxMemory) * 100);
    findings.push(finding(subject, 'queue_memory_low', `${usedPercent} % of maxmemory is in use`));
  }
  return findings.length > 0 ? findings : [ok(subject, 'persists every write, and evicts nothing')];
}

function evaluateCacheSettings({ maxmemory, 'maxmemory-policy': policy }: Settings): Finding[] {
  if (Number(maxmemory) === 0 || policy !== 'noeviction') return [];
  const message = 'maxmemory is set, and maxmemory-policy is noeviction';
  return [finding(subjectOf('cache'), 'cache_never_evicts', message)];
}

type Info = Readonly<Record<string, string | undefined>>;

function parseInfo(text: string): Info {
  return Object.fromEntries([...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name, value]) => [name, value]));
}
