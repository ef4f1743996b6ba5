/** Serves a worker's metrics and health on a separate port. */
import type { Redis } from 'ioredis';
import { readPoolUsage } from '../../db/connect.ts';
import { readBackupTimes } from '../../db/models/backup.ts';
import type { DurabilityMonitor } from '../../shared/durability/durability-monitor.ts';
import { startMetricsServer } from '../../shared/observability/metrics-server.ts';
import { measureDependencies, measureDurability, measurePool } from '../../shared/observability/process-metrics.ts';
import type { WorkerDeps } from '../worker-context.ts';
import { registerBackupMetrics } from './backup-metrics.ts';
import { createWorkerHealthCheck } from './health-check.ts';
import type { WorkerMetrics } from './metrics.ts';

interface MetricsEndpointDeps extends WorkerDeps {
  /** A fail-fast connection. */
  readonly queueRedis: Redis;
  readonly commitDurability: DurabilityMonitor;
  readonly metrics: WorkerMetrics;
  readonly leases: { readonly isMember: boolean };
  readonly isConsuming: () => boolean;
}

export function exposeMetrics(deps: MetricsEndpointDeps): void {
  const { config, log, lifecycle, db, redis, queueRedis, metrics, leases, commitDurability, isConsuming } = deps;
  const check = createWorkerHealthCheck({
    db,
    cacheRedis: redis,
    queueRedis,
    leases,
    commitDurability,
    allowsWeakDurability: config.ALLOW_WEAK_DURABILITY,
    isConsuming,
    log,
  });
  measurePool(metrics.registry, () => readPoolUsage(db));
  measureDurability(metrics.registry, { postgres: () => commitDurability.weaknesses.length > 0 });
  measureDependencies(metrics.registry, async () => {
    const { database, queue, cache } = (await check()).checks;
    return { postgres: database.status === 'up', queue: queue.status === 'up', cache: cache.status === 'up' };
  });
  registerBackupMetrics(metrics.registry, () => readBackupTimes(db));
  startMetricsServer({
    host: config.METRICS_HOST,
    port: config.METRICS_PORT,
    registry: metrics.registry,
    check,
    log,
    lifecycle,
  });
}
