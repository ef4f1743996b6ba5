/** Whether a worker can do its work: jobs from one of the two queues, and PostgreSQL to commit them to. */
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { type Check, measureCheck, rememberBriefly } from '../../shared/observability/health-check.ts';

export interface WorkerHealth {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  /** Whether it takes and commits jobs. Without the cache it does; without its queue, those that stand in PostgreSQL. */
  readonly isReady: boolean;
  readonly checks: { readonly database: Check; readonly cache: Check; readonly queue: Check };
}

interface HealthSources {
  readonly db: Knex;
  readonly cacheRedis: Redis;
  readonly queueRedis: Redis;
  /** Whether jobs are being taken: not before it has started, nor once it stops. */
  readonly isTaking: () => boolean;
}

export function createWorkerHealthCheck(sources: HealthSources): () => Promise<WorkerHealth> {
  return rememberBriefly(() => checkWorker(sources));
}

async function checkWorker({ db, cacheRedis, queueRedis, isTaking }: HealthSources): Promise<WorkerHealth> {
  const [database, cache, queue] = await Promise.all([
    measureCheck(() => ask(() => db.raw('SELECT 1'))),
    measureCheck(() => ask(() => cacheRedis.ping())),
    measureCheck(() => ask(() => queueRedis.ping())),
  ]);
  const checks = { database, cache, queue };
  const isReady = database.status === 'up' && isTaking();
  const isWhole = isReady && Object.values(checks).every(({ status }) => status === 'up');
  return { status: !isReady ? 'unhealthy' : isWhole ? 'healthy' : 'degraded', isReady, checks };
}

async function ask(question: () => PromiseLike<unknown>): Promise<object> {
  await question();
  return {};
}
