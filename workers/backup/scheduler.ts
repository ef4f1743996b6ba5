/**
 * Keeps the database backed up: looks now and then whether a backup or its verification is due, and hands it to a process
 * of its own, since replaying a long log would hold up what this one commits. Any number of workers may do so: a lock in
 * PostgreSQL lets one of them work. Needs no Redis.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAnythingDue } from '../../db/backup/run-backups.ts';
import type { WorkerDeps } from '../worker-context.ts';
import { planBackups } from './plan.ts';

/** Also how long a process that has just started leaves it at that. */
const checkIntervalMs = 60_000;
const failureRetryMs = 600_000;

const script = fileURLToPath(new URL('./main.ts', import.meta.url));

export function startBackupScheduler(
  { config, log, lifecycle, db }: Pick<WorkerDeps, 'config' | 'log' | 'lifecycle' | 'db'>,
  { intervalMs = checkIntervalMs } = {},
): void {
  if (config.BACKUP_EVERY_HOURS === 0) {
    log.warn('BACKUP_EVERY_HOURS is 0: no backups are taken');
    return;
  }
  const plan = planBackups(config);
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  const runChild = async () => {
    child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const [code] = await once(child, 'exit');
    child = undefined;
    if (code !== 0 && !stopping.signal.aborted) throw new Error(`the backup process ended with code ${code}`);
  };
  const runIfDue = async (): Promise<number> => {
    try {
      // A stop that comes during the query finds no child to kill, and would wait for a whole backup.
      if ((await isAnythingDue(db, plan)) && !stopping.signal.aborted) await runChild();
      return intervalMs * (0.75 + Math.random() / 2);
    } catch (err) {
      log.error({ err, folder: plan.folder }, 'the backup failed');
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
    // Cut off, it leaves nothing that would be taken for a backup, and the next run cleans up.
    child?.kill('SIGKILL');
    await running;
  });
}
