/** The backups that have been taken of this database, as it remembers them itself. Their files say the same at length. */
import type { Knex } from 'knex';
import type pg from 'pg';

export interface BackupTimes {
  readonly takenAt?: Date;
  /** When a backup was last restored elsewhere and found equal. */
  readonly verifiedAt?: Date;
}

/** When the last backup was taken, and when one was last verified. */
export async function readBackupTimes(db: Knex): Promise<BackupTimes> {
  const [row] = await db('backups').max({ takenAt: 'taken_at', verifiedAt: 'verified_at' });
  return { takenAt: row?.takenAt ?? undefined, verifiedAt: row?.verifiedAt ?? undefined };
}

export interface RecordedBackup {
  readonly name: string;
  readonly takenAt: Date;
  readonly triedAt: Date | null;
  readonly verifiedAt: Date | null;
}

/** The newest of them. */
export async function findNewestBackup(client: pg.Client): Promise<RecordedBackup | undefined> {
  const { rows } = await client.query<RecordedBackup>(`
    SELECT name, taken_at AS "takenAt", tried_at AS "triedAt", verified_at AS "verifiedAt"
    FROM backups ORDER BY taken_at DESC LIMIT 1`);
  return rows[0];
}

export async function recordBackup(client: pg.Client, name: string, takenAt: string): Promise<void> {
  await client.query('INSERT INTO backups (name, taken_at) VALUES ($1, $2)', [name, takenAt]);
}

/** A backup that was found equal once stays so in the memory of the database. */
export async function recordVerification(client: pg.Client, name: string, isEqual: boolean): Promise<void> {
  await client.query(
    `UPDATE backups SET tried_at = now(), verified_at = CASE WHEN $2 THEN now() ELSE verified_at END WHERE name = $1`,
    [name, isEqual],
  );
}

export async function deleteBackupRecord(client: pg.Client, name: string): Promise<void> {
  await client.query('DELETE FROM backups WHERE name = $1', [name]);
}
