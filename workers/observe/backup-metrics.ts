/** The age of the backups, read from the database at each scrape, so that every worker reports the same. */
import { Gauge, type Registry } from 'prom-client';
import type { BackupTimes } from '../../db/models/backup.ts';

export function registerBackupMetrics(registry: Registry, read: () => Promise<BackupTimes>): void {
  const registerGauge = (name: string, help: string, selectTime: (times: BackupTimes) => Date | undefined) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        // While PostgreSQL is unavailable, the last known values are kept.
        const times = await read().catch(() => undefined);
        if (times) this.set(Number(selectTime(times) ?? 0) / 1000);
      },
    });
  registerGauge(
    'field_backup_last_success_timestamp_seconds',
    'When the newest backup was taken; 0 when there is none',
    ({ takenAt }) => takenAt,
  );
  registerGauge(
    'field_backup_last_verified_timestamp_seconds',
    'When a backup was last restored, replayed and found equal; 0 when none was',
    ({ verifiedAt }) => verifiedAt,
  );
}
