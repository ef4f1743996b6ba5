/** The part of the operators' overview that comes from PostgreSQL, as of one moment. */
import type { Knex } from 'knex';
import { type LeaseHolder, readLeaseHolders } from '../leases/lease-holders.ts';
import { BackupRow } from '../models/backup.ts';
import { type FieldOverview, readFieldOverview } from '../read/field-overview.ts';
import { listWebhooks } from '../webhooks/webhook-row.ts';
import { listRuns, type RunStatus } from './enqueue-run.ts';
import { type RecentConflict, type RecentDevice, readRecentConflicts, readRecentDevices } from './recent-activity.ts';

const maxFields = 20;
const maxRuns = 5;
const maxBackups = 5;
const maxConflicts = 10;
const maxDevices = 10;

interface RunOverview {
  readonly id: string;
  readonly name: string;
  readonly field: string;
  readonly operator: string;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly reportedAt: number;
  readonly counts: Readonly<Record<string, number>>;
}

interface BackupOverview {
  readonly name: string;
  readonly takenAt: number;
  /** When it was restored elsewhere and found equal. */
  readonly verifiedAt: number | null;
}

export interface WebhookOverview {
  readonly id: string;
  /** Without the rest of the address, which may be secret. */
  readonly host: string;
  readonly status: 'active' | 'paused';
  /** How often the next message has failed. */
  readonly attempts: number;
  readonly deadLetters: number;
  readonly lastError: string | null;
  readonly deliveredAt: number | null;
}

export interface DatabaseOverview {
  readonly workers: readonly LeaseHolder[];
  /** The most recently updated fields. */
  readonly fields: readonly FieldOverview[];
  readonly totalFields: number;
  /** Fields whose newest commits could not be published to the cache. */
  readonly unpublishedFields: number;
  readonly runs: readonly RunOverview[];
  readonly backups: readonly BackupOverview[];
  readonly webhooks: readonly WebhookOverview[];
  readonly conflicts: readonly RecentConflict[];
  readonly devices: readonly RecentDevice[];
}

export async function readDatabaseOverview(db: Knex, prefix: string): Promise<DatabaseOverview> {
  const { fields, total, unpublished } = await readFieldOverview(db, maxFields);
  const workers = await readLeaseHolders(db, prefix);
  const runs = await listRuns(db, maxRuns);
  const backups = await BackupRow.query(db).orderBy('taken_at', 'desc').limit(maxBackups);
  const webhooks = await listWebhooks(db);
  const conflicts = await readRecentConflicts(db, maxConflicts);
  const devices = await readRecentDevices(db, maxDevices);
  return {
    ...{ workers, conflicts, devices },
    fields,
    totalFields: total,
    unpublishedFields: unpublished,
    runs: runs.map(({ id, name, fieldId: field, operator, status, startedAt, reportedAt, counts }) => {
      const [started, reported] = [startedAt.getTime(), reportedAt.getTime()];
      return { id, name, field, operator, status, startedAt: started, reportedAt: reported, counts };
    }),
    webhooks: webhooks.map(({ id, url, status, attempts, deadLetters, lastError, deliveredAt }) => {
      const delivered = deliveredAt?.getTime() ?? null;
      return { id, host: new URL(url).host, status, attempts, deadLetters, lastError, deliveredAt: delivered };
    }),
    backups: backups.map(({ name, takenAt, verifiedAt }) => {
      return { name, takenAt: takenAt.getTime(), verifiedAt: verifiedAt?.getTime() ?? null };
    }),
  };
}
