/** What a worker shows of itself to those who watch it: its metrics and its health, on a port of their own. */
import type { Redis } from 'ioredis';
import { readBackupTimes } from '../../db/backup/backup-records.ts';
import { readPoolUse } from '../../db/connect.ts';
import { startMetricsServer } from '../../shared/observability/metrics-server.ts';
import { measureDependencies, measurePool } from '../../shared/observability/process-metrics.ts';
import type { WorkerDeps } from '../worker-context.ts';
import { measureBackups } from './backup-metrics.ts';
import { createWorkerHealthCheck } from './health-check.ts';
import type { WorkerMetrics } from './metrics.ts';

interface WatchOptions extends WorkerDeps {
  /** Fails fast. */
  readonly queueRedis: Redis;
  readonly metrics: WorkerMetrics;
  readonly isTaking: () => boolean;
}

export function startWatching(options: WatchOptions): void {
  const { config, log, lifecycle, db, redis, queueRedis, metrics, isTaking } = options;
  const check = createWorkerHealthCheck({ db, cacheRedis: redis, queueRedis, isTaking });
  measurePool(metrics.registry, () => readPoolUse(db));
  measureDependencies(metrics.registry, async () => {
    const { database, queue, cache } = (await check()).checks;
    return { postgres: database.status === 'up', queue: queue.status === 'up', cache: cache.status === 'up' };
  });
  measureBackups(metrics.registry, () => readBackupTimes(db));
  startMetricsServer({
    host: config.METRICS_HOST,
    port: config.METRICS_PORT,
    registry: metrics.registry,
    check,
    log,
    lifecycle,
  });
}
