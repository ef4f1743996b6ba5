/**
 * Schedules the maintenance tasks, independently of the queue. Every worker periodically checks whether a task is due. One of them
 * claims it in PostgreSQL and runs it. Every worker republishes after outages of the cache.
 */

import { pruneChanges } from '../../db/changes/prune-changes.ts';
import { sequenceChanges } from '../../db/changes/sequence-changes.ts';
import { claimMaintenanceTask, finishMaintenanceTask } from '../../db/write/claim-maintenance-task.ts';
import { pruneConflicts } from '../../db/write/log-pruning.ts';
import type { WorkerMetrics } from '../observe/metrics.ts';
import type { MaintenanceDeps, WorkerDeps } from '../worker-context.ts';
import { flushSnapshots } from './flush-snapshots.ts';
import { pruneLogs } from './prune-logs.ts';
import { republishFields } from './republish.ts';

interface Task {
  readonly intervalMs: number;
  /** @returns how many fields or rows it has changed */
  readonly run: (deps: MaintenanceDeps) => Promise<number>;
}

/** Run by one worker at a time. */
export const sharedTasks: Readonly<Record<string, Task>> = {
  'flush-snapshots': { intervalMs: 5000, run: flushSnapshots },
  'prune-conflicts': { intervalMs: 60_000, run: ({ db }) => pruneConflicts(db) },
  'prune-logs': { intervalMs: 600_000, run: pruneLogs },
  // Workers add their own commits at once. This task adds those of commands, and of workers that were killed.
  'sequence-changes': { intervalMs: 5000, run: ({ db }) => sequenceChanges(db) },
  'prune-changes': { intervalMs: 600_000, run: ({ db, config }) => pruneChanges(db, config.LOG_RETENTION_DAYS) },
};

/** Run by every worker. */
export const ownTasks: Readonly<Record<string, Task>> = {
  republish: { intervalMs: 2000, run: republishFields },
};

/** How often a worker checks whether a shared task is due, unless the task's interval is shorter. */
const maxCheckIntervalMs = 30_000;

interface MaintenanceSchedulerDeps extends MaintenanceDeps, Pick<WorkerDeps, 'lifecycle'> {
  readonly metrics: WorkerMetrics;
}

export function startMaintenanceScheduler(deps: MaintenanceSchedulerDeps): void {
  for (const [name, task] of Object.entries(ownTasks))
    repeat(deps, name, task.intervalMs, () => runTask(deps, name, task));
  for (const [name, task] of Object.entries(sharedTasks)) {
    repeat(deps, name, Math.min(task.intervalMs, maxCheckIntervalMs), async () => {
      if (!(await claimMaintenanceTask(deps.db, name))) return;
      try {
        await runTask(deps, name, task);
      } finally {
        await finishMaintenanceTask(deps.db, name, task.intervalMs);
      }
    });
  }
}

/** Repeats a task until the worker stops. Failures are retried; an outage is logged once. */
function repeat(
  { log, lifecycle, metrics }: MaintenanceSchedulerDeps,
  task: string,
  intervalMs: number,
  run: () => Promise<void>,
): void {
  let isFailing = false;
  let timer: NodeJS.Timeout | undefined;
  const runAndWait = async () => {
    try {
      await run();
      isFailing = false;
    } catch (err) {
      metrics.taskFailures.inc({ task });
      if (!isFailing && !lifecycle.isStopping) log.warn({ err, task }, 'maintenance task failed');
      isFailing = true;
    }
    if (!lifecycle.isStopping) timer = setTimeout(() => void runAndWait(), intervalMs).unref();
  };
  void runAndWait();
  lifecycle.onStop(`maintenance ${task}`, () => clearTimeout(timer));
}

async function runTask(deps: MaintenanceSchedulerDeps, name: string, { run }: Task): Promise<void> {
  const startedAt = performance.now();
  const done = await run(deps);
  deps.metrics.taskLastSuccess.set({ task: name }, Date.now() / 1000);
  if (done > 0)
    deps.log.info(
      { task: name, done, durationMs: Math.round(performance.now() - startedAt) },
      'maintenance task completed',
    );
}
