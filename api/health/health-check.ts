/** Looks at what the API stands on: PostgreSQL, the two Redis roles, and whether any worker is there. */
import type { Redis } from 'ioredis';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { type Check, cacheFor, runCheck } from '../../shared/observability/health-check.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';
import type { AdmissionControl } from '../admission/admission-control.ts';

export interface Health {
  status: 'healthy' | 'degraded' | 'unhealthy';
  /** Whether there is a queue to take updates; it may be full all the same. */
  canWrite: boolean;
  canRead: boolean;
  checks: {
    database: Check;
    cache: Check;
    /** With the jobs that wait or are being worked on, and whether they are all that are admitted. */
    queue: Check & { backlog?: number; full: boolean };
    /** With the worker processes that live. */
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
  // No worker is a matter of time: updates are taken in, and wait.
  if (workers.count === 0) workers.status = 'down';
  // While the queue's Redis is away, PostgreSQL takes its place.
  const canWrite = queue.status === 'up' || database.status === 'up';
  const canRead = database.status === 'up' || cache.status === 'up';
  const checks = { database, cache, queue, workers };
  const isFullyHealthy = Object.values(checks).every(({ status }) => status === 'up');
  const isServing = canWrite && canRead && !queue.full;
  const status = !isServing ? 'unhealthy' : isFullyHealthy ? 'healthy' : 'degraded';
  return { status, canWrite, canRead, checks };
}
