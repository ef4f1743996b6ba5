/** Whether a worker can do its work: jobs from one of the two queues, and PostgreSQL to commit them to. */
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { type Check, cacheFor, runCheck } from '../../shared/observability/health-check.ts';

export interface WorkerHealth {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  /** Whether it takes and commits jobs. Without the cache it does; without its queue, those that stand in PostgreSQL. */
  readonly isReady: boolean;
  readonly checks: { readonly database: Check; readonly cache: Check; readonly queue: Check };
}

interface WorkerHealthDeps {
  readonly db: Knex;
  readonly cacheRedis: Redis;
  readonly queueRedis: Redis;
  /** Whether jobs are being taken: not before it has started, nor once it stops. */
  readonly isConsuming: () => boolean;
}

export function createWorkerHealthCheck(deps: WorkerHealthDeps): () => Promise<WorkerHealth> {
  return cacheFor(() => checkWorker(deps));
}

async function checkWorker({ db, cacheRedis, queueRedis, isConsuming }: WorkerHealthDeps): Promise<WorkerHealth> {
  const [database, cache, queue] = await Promise.all([
    runCheck(() => probe(() => db.raw('SELECT 1'))),
    runCheck(() => probe(() => cacheRedis.ping())),
    runCheck(() => probe(() => queueRedis.ping())),
  ]);
  const checks = { database, cache, queue };
  const isReady = database.status === 'up' && isConsuming();
  const isFullyHealthy = isReady && Object.values(checks).every(({ status }) => status === 'up');
  return { status: !isReady ? 'unhealthy' : isFullyHealthy ? 'healthy' : 'degraded', isReady, checks };
}

async function probe(query: () => PromiseLike<unknown>): Promise<object> {
  await query();
  return {};
}
