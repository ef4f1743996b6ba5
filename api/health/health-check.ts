/** Checks the API's dependencies: PostgreSQL, the two Redis roles, and whether any worker is running. */
import type { Redis } from 'ioredis';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { type Check, cacheFor, runCheck } from '../../shared/observability/health-check.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';
import type { AdmissionControl } from '../admission/admission-control.ts';

export interface Health {
  status: 'healthy' | 'degraded' | 'unhealthy';
  /** Whether a queue is available for updates. It may be full nevertheless. */
  canWrite: boolean;
  canRead: boolean;
  checks: {
    database: Check;
    cache: Check;
    /** `backlog`: jobs waiting or active. `full`: whether admission control refuses updates. */
    queue: Check & { backlog?: number; full: boolean };
    /** `count`: worker processes with a current heartbeat. */
    workers: Check & { count?: number };
  };
}

export interface HealthCheckDeps {
  readonly reader: FieldReader;
  readonly cacheRedis: Redis;
  readonly producer: UpdateProducer;
  readonly admission: Pick<AdmissionControl, 'isOverloaded'>;
}

export function createHealthCheck(deps: HealthCheckDeps): () => Promise<Health> {
  return cacheFor(() => checkHealth(deps));
}

async function checkHealth({ reader, cacheRedis, producer, admission }: HealthCheckDeps): Promise<Health> {
  const [database, cache, queueCheck, workers] = await Promise.all([
    runCheck(() => reader.ping().then(() => ({}))),
    runCheck(() => cacheRedis.ping().then(() => ({}))),
    runCheck(async () => ({ backlog: await producer.queues.countJobs('waiting', 'active', 'delayed') })),
    runCheck(async () => ({ count: await producer.queues.refresh() })),
  ]);
  const queue = { ...queueCheck, full: admission.isOverloaded };
  // Without a worker updates are still accepted, and wait in the queue.
  if (workers.count === 0) workers.status = 'down';
  // The fallback queue in PostgreSQL is used while the queue's Redis is down.
  const canWrite = queue.status === 'up' || database.status === 'up';
  const canRead = database.status === 'up' || cache.status === 'up';
  const checks = { database, cache, queue, workers };
  const isFullyHealthy = Object.values(checks).every(({ status }) => status === 'up');
  const isServing = canWrite && canRead && !queue.full;
  const status = !isServing ? 'unhealthy' : isFullyHealthy ? 'healthy' : 'degraded';
  return { status, canWrite, canRead, checks };
}
