/** The health of a worker: whether it consumes jobs from either queue and can commit them to PostgreSQL. */
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import type { DurabilityMonitor } from '../../shared/durability/durability-monitor.ts';
import { type Check, runCheck, shareBriefly, withDetail } from '../../shared/observability/health-check.ts';
import type { Logger } from '../../shared/process/logger.ts';

export interface WorkerHealth {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  /** Whether it processes jobs. It does so without the cache, and without Redis's queue from the fallback queue. */
  readonly isReady: boolean;
  /** The database's `detail`: the settings with which commits can be lost. */
  readonly checks: {
    readonly database: Check;
    readonly cache: Check;
    readonly queue: Check;
    /** Whether it is one of the workers that share the partitions of Redis's queue. */
    readonly leases: Check;
  };
}

interface WorkerHealthDeps {
  readonly db: Knex;
  readonly cacheRedis: Redis;
  readonly queueRedis: Redis;
  readonly commitDurability: Pick<DurabilityMonitor, 'weaknesses'>;
  /** Whether weak durability does not make the process degraded. */
  readonly allowsWeakDurability: boolean;
  readonly leases: { readonly isMember: boolean };
  /** False before the worker has started and once it stops. */
  readonly isConsuming: () => boolean;
  readonly log: Pick<Logger, 'debug'>;
}

export function createWorkerHealthCheck(deps: WorkerHealthDeps): () => Promise<WorkerHealth> {
  // Only the queries are cached: a worker is ready as soon as it consumes, not when the cached result is old.
  const checkServers = shareBriefly(() => queryServers(deps));
  return async () => summarize(deps, await checkServers());
}

function queryServers({ db, cacheRedis, queueRedis, log }: WorkerHealthDeps): Promise<[Check, Check, Check]> {
  return Promise.all([
    runCheck({ dependency: 'database', log }, () => probe(() => db.raw('SELECT 1'))),
    runCheck({ dependency: 'cache', log }, () => probe(() => cacheRedis.ping())),
    runCheck({ dependency: 'queue', log }, () => probe(() => queueRedis.ping())),
  ]);
}

async function summarize(
  { leases, commitDurability, allowsWeakDurability, isConsuming, log }: WorkerHealthDeps,
  [databaseCheck, cache, queue]: readonly [Check, Check, Check],
): Promise<WorkerHealth> {
  const database = withDetail(databaseCheck, commitDurability.weaknesses);
  const leasesCheck = await runCheck({ dependency: 'leases', log }, () => probeLeases(leases));
  const checks = { database, cache, queue, leases: leasesCheck };
  const isReady = database.status === 'up' && isConsuming();
  const isDurable = database.detail === undefined || allowsWeakDurability;
  const isFullyHealthy = isReady && isDurable && Object.values(checks).every(({ status }) => status === 'up');
  return { status: !isReady ? 'unhealthy' : isFullyHealthy ? 'healthy' : 'degraded', isReady, checks };
}

async function probe(query: () => PromiseLike<unknown>): Promise<object> {
  await query();
  return {};
}

async function probeLeases({ isMember }: WorkerHealthDeps['leases']): Promise<object> {
  if (!isMember) throw new Error('the session that holds the leases is lost');
  return {};
}
