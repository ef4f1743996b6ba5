/** Runs all checks concurrently. An unreachable server is a finding and does not stop the others. */
import type { Knex } from 'knex';
import { readLeaseHolders } from '../../db/leases/lease-holders.ts';
import { readFallbackQueueStats } from '../../db/read/fallback-queue-stats.ts';
import { readRuleSettings } from '../../db/read/settings/rule-settings.ts';
import { describeRuleConflicts } from '../../shared/config/rule-settings.ts';
import { readRedisQueueStats } from '../backends/redis-queue-stats.ts';
import { withDatabase } from '../backends/with-database.ts';
import { openRedis } from '../backends/with-redis.ts';
import { reasonOf } from '../errors/cli-error.ts';
import { checkApi } from './check-api.ts';
import { checkConfiguration, type Settings, selectUsableSettings } from './check-configuration.ts';
import { checkMachine } from './check-machine.ts';
import { checkPostgres, explainUnreachable as explainPostgres } from './check-postgres.ts';
import { evaluateQueue, evaluateWorkers } from './check-queue.ts';
import { checkRedis, explainUnreachable as explainRedis, type Role, subjectOf } from './check-redis.ts';
import { type Finding, finding } from './findings.ts';

interface RunChecksOptions {
  /** The settings, not validated. */
  readonly rawSettings: Readonly<Record<string, string>>;
  readonly apiUrl: string | undefined;
  /** The disk that holds this folder is checked. */
  readonly folder: string;
}

export interface CheckReport {
  readonly findings: readonly Finding[];
  /** False when no address of any server is set. */
  readonly hasTargets: boolean;
}

export async function runChecks({ rawSettings, apiUrl, folder }: RunChecksOptions): Promise<CheckReport> {
  const settings = selectUsableSettings(rawSettings);
  const [postgres, queue, cache, api, machine] = await Promise.all([
    checkDatabase(settings),
    checkRedisRole('queue', settings),
    checkRedisRole('cache', settings),
    apiUrl ? checkApi(apiUrl) : [],
    checkMachine(folder),
  ]);
  const isShared = queue.runId !== undefined && queue.runId === cache.runId && settings.NODE_ENV === 'production';
  const roles = isShared
    ? [finding(subjectOf('cache'), 'roles_share_a_redis', 'queue and cache share one server')]
    : [];
  const { DATABASE_URL, QUEUE_REDIS_URL, CACHE_REDIS_URL } = settings;
  return {
    findings: [
      ...checkConfiguration(rawSettings),
      ...postgres,
      ...queue.findings,
      ...cache.findings,
      ...roles,
      ...api,
      ...machine,
    ],
    hasTargets: [DATABASE_URL, QUEUE_REDIS_URL, CACHE_REDIS_URL, apiUrl].some(Boolean),
  };
}

async function checkDatabase(settings: Settings): Promise<Finding[]> {
  const {
    DATABASE_URL: url,
    DATABASE_POOL_SIZE: poolSize = 0,
    MAX_BACKLOG: maxBacklog = 0,
    QUEUE_PREFIX: prefix = '',
  } = settings;
  if (!url) return [];
  let isReached = false;
  try {
    return await withDatabase(url, async (db) => {
      await db.raw('SELECT 1');
      isReached = true;
      const findings = await checkPostgres(db, { url, poolSize, allowWeakDurability: allowsWeakDurability(settings) });
      if (findings.some(({ code }) => code === 'migrations_pending')) return findings;
      const subject = 'the queue in PostgreSQL';
      return [
        ...findings,
        ...(await checkRuleSettings(db, settings)),
        ...evaluateQueue({ subject, maxBacklog, ...(await readFallbackQueueStats(db)) }, Date.now()),
        evaluateWorkers((await readLeaseHolders(db, prefix)).length),
      ];
    });
  } catch (error) {
    return [isReached ? finding('PostgreSQL', 'check_failed', reasonOf(error)) : explainPostgres(error)];
  }
}

async function checkRuleSettings(db: Knex, settings: Settings): Promise<Finding[]> {
  const conflicts = describeRuleConflicts(settings, await readRuleSettings(db));
  return conflicts.map((conflict) => finding('configuration', 'rule_settings_differ', conflict));
}

function allowsWeakDurability({ NODE_ENV, ALLOW_WEAK_DURABILITY }: Settings): boolean {
  return NODE_ENV !== 'production' || ALLOW_WEAK_DURABILITY === true;
}

async function checkRedisRole(role: Role, settings: Settings): Promise<{ findings: Finding[]; runId?: string }> {
  const setting = role === 'queue' ? 'QUEUE_REDIS_URL' : 'CACHE_REDIS_URL';
  const url = settings[setting];
  if (!url) return { findings: [] };
  const redis = await openRedis({ url, label: `the ${role}`, setting }).catch((error: unknown) => error as Error);
  if (redis instanceof Error) return { findings: [explainRedis(role, redis)] };
  try {
    const allowWeakDurability = allowsWeakDurability(settings);
    const { findings, runId } = await checkRedis(redis, { role, url, allowWeakDurability });
    if (role === 'cache') return { findings, runId };
    const { QUEUE_PREFIX: prefix = '', MAX_BACKLOG: maxBacklog = 0 } = settings;
    const counts = await readRedisQueueStats(redis, prefix);
    const queue = evaluateQueue({ subject: 'the queue', maxBacklog, ...counts }, Date.now());
    return { findings: [...findings, ...queue], runId };
  } catch (error) {
    return { findings: [finding(subjectOf(role), 'check_failed', reasonOf(error))] };
  } finally {
    redis.disconnect();
  }
}
