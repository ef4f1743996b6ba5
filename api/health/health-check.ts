/** Checks the API's dependencies: PostgreSQL, the two Redis roles, and whether any worker is running. */
import type { Redis } from 'ioredis';
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { DurabilityMonitor } from '../../shared/durability/durability-monitor.ts';
import { type Check, runCheck, shareBriefly, withDetail } from '../../shared/observability/health-check.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';
import type { AdmissionControl } from '../admission/admission-control.ts';

export interface Health {
  status: 'healthy' | 'degraded' | 'unhealthy';
  /** Whether a queue is available for updates. It may be full nevertheless. */
  canWrite: boolean;
  canRead: boolean;
  checks: {
    /** `detail`: the settings with which confirmed writes can be lost; likewise for the queue. */
    database: Check;
    cache: Check;
    /** `backlog`: jobs waiting or active. `full`: whether admission control refuses updates. */
    queue: Check & { backlog?: number; full: boolean };
    /** `count`: workers that read the queue, according to PostgreSQL; also `down` while PostgreSQL does not answer. */
    workers: Check & { count?: number };
  };
}

export interface HealthCheckDeps {
  readonly reader: FieldReader;
  readonly cacheRedis: Redis;
  readonly producer: UpdateProducer;
  readonly commitDurability: Pick<DurabilityMonitor, 'weaknesses'>;
  /** Whether weak durability does not make the process degraded. */
  readonly allowsWeakDurability: boolean;
  /** Reads the number of running workers from PostgreSQL. */
  readonly countWorkers: () => Promise<number>;
  readonly admission: Pick<AdmissionControl, 'isOverloaded'>;
  readonly log: Pick<Logger, 'debug'>;
}

export function createHealthCheck(deps: HealthCheckDeps): () => Promise<Health> {
  return shareBriefly(() => checkHealth(deps));
}

async function checkHealth(deps: HealthCheckDeps): Promise<Health> {
  const { reader, cacheRedis, producer, countWorkers, commitDurability, allowsWeakDurability, admission, log } = deps;
  const pinged = reader.ping();
  const [databaseCheck, cache, queueCheck, workers] = await Promise.all([
    runCheck({ dependency: 'database', log }, () => pinged.then(() => ({}))),
    runCheck({ dependency: 'cache', log }, () => cacheRedis.ping().then(() => ({}))),
    runCheck({ dependency: 'queue', log }, async () => ({
      backlog: await producer.queues.countJobs('waiting', 'prioritized', 'active', 'delayed'),
    })),
    // After the ping, so that a check occupies only one connection of the pool while PostgreSQL does not answer.
    runCheck({ dependency: 'workers', log }, async () => ({ count: await pinged.then(countWorkers) })),
  ]);
  const database = withDetail(databaseCheck, commitDurability.weaknesses);
  const queue = { ...withDetail(queueCheck, producer.durability.weaknesses), full: admission.isOverloaded };
  // Without a worker updates are still accepted, and wait in the queue.
  if (workers.count === 0) workers.status = 'down';
  // The fallback queue in PostgreSQL is used while the queue's Redis is down.
  const canWrite = queue.status === 'up' || database.status === 'up';
  const canRead = database.status === 'up' || cache.status === 'up';
  const checks = { database, cache, queue, workers };
  const isDurable = database.detail === undefined && queue.detail === undefined;
  const isFullyHealthy =
    Object.values(checks).every(({ status }) => status === 'up') && (isDurable || allowsWeakDurability);
  const isServing = canWrite && canRead && !queue.full;
  const status = !isServing ? 'unhealthy' : isFullyHealthy ? 'healthy' : 'degraded';
  return { status, canWrite, canRead, checks };
}
