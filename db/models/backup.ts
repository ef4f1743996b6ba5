/** `backups`: the scheduled backups of this database. The files themselves may be on another machine. */
import type { Knex } from 'knex';
import { raw } from 'objection';
import { z } from 'zod';
import { Row } from './row.ts';

const backupSchema = z.strictObject({
  name: z.string().min(1),
  takenAt: z.date(),
  /** When it was last verified, whatever the result. */
  triedAt: z.date().nullable(),
  /** When it was last verified with success. */
  verifiedAt: z.date().nullable(),
});

export interface BackupRow extends z.infer<typeof backupSchema> {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Objection defines the columns at run time.
export class BackupRow extends Row {
  static override readonly tableName = 'backups';
  static override readonly idColumn = 'name';
  static override readonly schema = backupSchema;
}

export interface BackupTimes {
  readonly takenAt?: Date;
  /** When a backup was last restored elsewhere and found equal. */
  readonly verifiedAt?: Date;
}

/** When the last backup was taken, and when one was last verified with success. */
export async function readBackupTimes(db: Knex): Promise<BackupTimes> {
  const [row] = await BackupRow.query(db).max('taken_at as takenAt').max('verified_at as verifiedAt');
  return { takenAt: row?.takenAt ?? undefined, verifiedAt: row?.verifiedAt ?? undefined };
}

export async function findNewestBackup(db: Knex): Promise<BackupRow | undefined> {
  return BackupRow.query(db).orderBy('taken_at', 'desc').first();
}

export async function recordBackup(db: Knex, name: string, takenAt: Date): Promise<void> {
  await BackupRow.query(db).insert({ name, takenAt, triedAt: null, verifiedAt: null });
}

/** Records a verification. A failure keeps the time of an earlier success. */
export async function recordVerification(db: Knex, name: string, isEqual: boolean): Promise<void> {
  const now = raw('now()');
  await BackupRow.query(db)
    .findById(name)
    .patch({ triedAt: now, ...(isEqual ? { verifiedAt: now } : {}) });
}

export async function deleteBackupRecord(db: Knex, name: string): Promise<void> {
  await BackupRow.query(db).deleteById(name);
}
