/** Converts the settings of the backup schedule from hours and days to milliseconds, and resolves the folder's path. */
import { resolve } from 'node:path';
import type { BackupPlan } from '../../db/backup/run-backups.ts';
import { directDatabaseUrl, type WorkerConfig } from '../../shared/config/config.ts';
import { dayMs, hourMs } from '../../shared/time-units.ts';

export function planBackups(config: WorkerConfig): BackupPlan {
  return {
    url: directDatabaseUrl(config),
    folder: resolve(config.BACKUP_FOLDER),
    intervalMs: config.BACKUP_EVERY_HOURS * hourMs,
    keepCount: config.BACKUP_KEEP,
    keepMs: config.BACKUP_KEEP_DAYS * dayMs,
  };
}
