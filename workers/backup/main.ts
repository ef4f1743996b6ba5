/** The backup process, started by a worker: takes and verifies a backup if due, and exits early if the worker exits. */
import { setPriority } from 'node:os';
import { runBackups } from '../../db/backup/run-backups.ts';
import { loadWorkerConfig } from '../../shared/config/config.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { planBackups } from './plan.ts';

/** A lower CPU priority than the worker and the API, which serve live traffic. */
const niceness = 10;

async function main(): Promise<void> {
  process.on('disconnect', () => process.exit(1));
  setPriority(niceness);
  const config = loadWorkerConfig(process.env);
  const log = createLogger({ name: 'backup', level: config.LOG_LEVEL, pretty: process.stdout.isTTY });
  const startedAt = performance.now();
  const run = await runBackups(planBackups(config));
  if (!run) return log.info('backup skipped: another process holds the lock');
  const durationMs = Math.round(performance.now() - startedAt);
  const { written, verified, removed } = run;
  if (written) log.info({ backup: written.path, durationMs }, 'backup taken');
  if (removed.length > 0) log.info({ removed }, 'expired and incomplete backups removed');
  if (!verified) return;
  const { name, verdict } = verified;
  if (verdict.differences.length === 0) log.info({ backup: name, ...verdict, durationMs }, 'backup verified');
  else log.error({ backup: name, ...verdict }, 'backup verification failed');
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
