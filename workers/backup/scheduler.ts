/**
 * Schedules backups. Every worker checks once a minute whether a backup or its verification is due, and a lock in
 * PostgreSQL ensures that only one backup runs at a time. It runs in a child process, because replaying a long log
 * would delay this worker's commits. Redis is not used, so an outage of it does not stop backups. Erasures and revocations
 * are written beside the backups at each check.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { syncRecords } from '../../db/backup/records/sync-records.ts';
import { isAnythingDue } from '../../db/backup/run-backups.ts';
import { entryPoint } from '../../shared/process/package-files.ts';
import { jitter } from '../../shared/process/retry.ts';
import type { WorkerDeps } from '../worker-context.ts';
import { planBackups } from './plan.ts';

/** The delay between checks, and before the first one. */
const checkIntervalMs = 60_000;
const failureRetryMs = 600_000;

export function startBackupScheduler(
  { config, log, lifecycle, db }: Pick<WorkerDeps, 'config' | 'log' | 'lifecycle' | 'db'>,
  { intervalMs = checkIntervalMs, script = entryPoint('workers/backup/main') } = {},
): void {
  if (config.BACKUP_EVERY_HOURS === 0) {
    log.warn({ BACKUP_EVERY_HOURS: 0 }, 'scheduled backups disabled');
    return;
  }
  const plan = planBackups(config);
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  const runChild = async () => {
    child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const [code] = await once(child, 'exit');
    child = undefined;
    if (code !== 0 && !stopping.signal.aborted) throw new Error(`the backup process exited with code ${code}`);
  };
  const runIfDue = async (): Promise<number> => {
    try {
      // A folder that cannot be written to fails the next backup as well, but a damaged file must not prevent backups.
      await syncRecords(db, plan.folder).catch((err) => log.error({ err }, 'erasures could not be recorded'));
      // If the worker stopped during the query, a child started now would not be killed and would delay the stop.
      if ((await isAnythingDue(db, plan)) && !stopping.signal.aborted) await runChild();
      return jitter(intervalMs, 0.75);
    } catch (err) {
      log.error({ err, folder: plan.folder }, 'backup failed');
      return Math.max(intervalMs, failureRetryMs);
    }
  };
  const runUntilStopped = async () => {
    for (let delayMs = intervalMs; !stopping.signal.aborted; delayMs = await runIfDue()) {
      await delay(delayMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      if (stopping.signal.aborted) return;
    }
  };
  const running = runUntilStopped();
  lifecycle.onStop('backups', async () => {
    stopping.abort();
    // Killing it is safe: an incomplete backup is never listed, and the next run removes it.
    child?.kill('SIGKILL');
    await running;
  });
}
