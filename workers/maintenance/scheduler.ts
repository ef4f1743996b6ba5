/**
 * Schedules the maintenance tasks. Flushing the snapshots of idle fields and pruning what is older than the retention are
 * scheduled by the queue, and each is run by one worker at a time. Republishing after outages of the cache must not depend
 * on the queue, which may be unavailable together with it, so every worker does it on a timer of its own.
 */
import { Queue, Worker } from 'bullmq';
import { pruneConflicts } from '../../db/write/log-pruning.ts';
import { queuePrefix } from '../../shared/queue/partitions.ts';
import { openWorkerConnection } from '../../shared/redis/connect.ts';
import type { WorkerMetrics } from '../observe/metrics.ts';
import type { MaintenanceDeps, WorkerDeps } from '../worker-context.ts';
import { flushSnapshots } from './flush-snapshots.ts';
import { pruneLogs } from './prune-logs.ts';
import { republishFields } from './republish.ts';

/** The name of the queue in Redis. Do not change it: the stored job schedulers would be orphaned. */
const maintenanceQueue = 'upkeep';

const republishIntervalMs = 2000;

interface Task {
  readonly intervalMs: number;
  readonly run: (deps: MaintenanceDeps) => Promise<number>;
}

export const maintenanceTasks: Readonly<Record<string, Task>> = {
  'flush-snapshots': { intervalMs: 5000, run: flushSnapshots },
  'prune-conflicts': { intervalMs: 60_000, run: ({ db }) => pruneConflicts(db) },
  'prune-logs': { intervalMs: 600_000, run: pruneLogs },
};

interface MaintenanceSchedulerDeps extends MaintenanceDeps, Pick<WorkerDeps, 'lifecycle'> {
  readonly metrics: WorkerMetrics;
}

export async function startMaintenanceScheduler(deps: MaintenanceSchedulerDeps): Promise<void> {
  const { config, log, lifecycle, metrics } = deps;
  const { connection, close } = openWorkerConnection(config.QUEUE_REDIS_URL, log);
  const prefix = queuePrefix(config.QUEUE_PREFIX);
  const queue = new Queue(maintenanceQueue, { connection, prefix });
  queue.on('error', (err) => log.debug({ err }, 'maintenance queue error'));
  const worker = new Worker(maintenanceQueue, ({ name }) => runTask(deps, name), {
    connection,
    prefix,
    removeOnComplete: { count: 20 },
    removeOnFail: { count: 100, age: 86_400 },
    maxStalledCount: 1_000_000,
  });
  worker.on('error', (err) => log.debug({ err }, 'maintenance worker error'));
  worker.on('failed', (job, err) => {
    if (job && Object.hasOwn(maintenanceTasks, job.name)) metrics.taskFailures.inc({ task: job.name });
    log.warn({ err, task: job?.name }, 'maintenance task failed');
  });
  lifecycle.onStop('maintenance', async () => {
    await worker.close();
    await queue.close();
    close();
  });
  startRepublishing(deps);
  // An earlier version has scheduled republishing here.
  await queue.removeJobScheduler('republish');
  for (const [name, { intervalMs }] of Object.entries(maintenanceTasks)) {
    await queue.upsertJobScheduler(name, { every: intervalMs }, { name });
  }
}

/** Republishes now and then until the worker stops. What fails is tried again, so an outage is logged once. */
function startRepublishing({ log, lifecycle, metrics, ...deps }: MaintenanceSchedulerDeps): void {
  let isFailing = false;
  let timer: NodeJS.Timeout | undefined;
  const run = async () => {
    try {
      const done = await republishFields({ log, ...deps });
      metrics.taskLastSuccess.set({ task: 'republish' }, Date.now() / 1000);
      if (done > 0) log.info({ task: 'republish', done }, 'maintenance task completed');
      isFailing = false;
    } catch (err) {
      metrics.taskFailures.inc({ task: 'republish' });
      if (!isFailing) log.warn({ err, task: 'republish' }, 'maintenance task failed');
      isFailing = true;
    }
    if (!lifecycle.isStopping) timer = setTimeout(() => void run(), republishIntervalMs).unref();
  };
  void run();
  lifecycle.onStop('republishing', () => clearTimeout(timer));
}

async function runTask(deps: MaintenanceSchedulerDeps, name: string): Promise<number> {
  const task = maintenanceTasks[name];
  if (!task) throw new Error(`there is no maintenance task ${name}`);
  const startedAt = performance.now();
  const done = await task.run(deps);
  deps.metrics.taskLastSuccess.set({ task: name }, Date.now() / 1000);
  if (done > 0)
    deps.log.info(
      { task: name, done, durationMs: Math.round(performance.now() - startedAt) },
      'maintenance task completed',
    );
  return done;
}
