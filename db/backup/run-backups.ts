/** One run of the backup schedule: takes a backup if one is due, verifies it, and removes expired ones. */
import type { Knex } from 'knex';
import { deleteBackupRecord, findNewestBackup, recordBackup } from '../models/backup.ts';
import { readInstallationId } from '../models/installation.ts';
import { type BackupSession, withBackupLock } from './backup-lock.ts';
import {
  findExpiredBackups,
  listBackups,
  type RetentionOptions,
  removeBackup,
  removePartials,
  type StoredBackup,
  type VerificationResult,
} from './files/backup-store.ts';
import { syncRecords } from './records/sync-records.ts';
import { dropLeftoverDatabases } from './scratch-database.ts';
import { verifyBackup } from './verify-backup.ts';
import { type WrittenBackup, writeBackup } from './write-backup.ts';

export interface BackupPlan extends Pick<RetentionOptions, 'keepCount' | 'keepMs'> {
  readonly url: string;
  readonly folder: string;
  readonly intervalMs: number;
}

export interface BackupRun {
  readonly written?: WrittenBackup;
  readonly verified?: { readonly name: string; readonly verdict: VerificationResult };
  /** Names of expired and incomplete backups, and of leftover scratch databases. */
  readonly removed: readonly string[];
}

/** Whether a run would take or verify a backup. */
export async function isAnythingDue(db: Knex, { folder, intervalMs }: BackupPlan): Promise<boolean> {
  return (await isBackupDue(db, intervalMs)) || (await findUnverified(db, folder)) !== undefined;
}

/** @returns undefined when another process holds the lock */
export async function runBackups(plan: BackupPlan): Promise<BackupRun | undefined> {
  const lock = await withBackupLock(plan.url, (session) => runLocked(session, plan));
  return lock?.result;
}

async function runLocked(session: BackupSession, plan: BackupPlan): Promise<BackupRun> {
  const { client, db } = session;
  const { url, folder } = plan;
  const installation = await readInstallationId(db);
  const removed = [...(await removePartials(folder, installation)), ...(await dropLeftoverDatabases(client))];
  const written = (await isBackupDue(db, plan.intervalMs)) ? await takeBackup(session, { url, folder }) : undefined;
  const unverified = await findUnverified(db, folder);
  const verified = unverified && {
    name: unverified.name,
    verdict: await verifyBackup(session, { url, backup: unverified }),
  };
  for (const backup of findExpiredBackups(await listBackups(folder), { ...plan, installation, now: Date.now() })) {
    await removeBackup(folder, backup);
    await deleteBackupRecord(db, backup.name);
    removed.push(backup.name);
  }
  return { written, verified, removed };
}

/** Takes a backup and records it in the database, so that the schedule counts it. */
export async function takeBackup(
  { db }: BackupSession,
  options: Parameters<typeof writeBackup>[0],
): Promise<WrittenBackup> {
  const written = await writeBackup(options);
  await recordBackup(db, written.name, new Date(written.manifest.takenAt));
  await syncRecords(db, options.folder);
  return written;
}

/** Uses the records in the database, not the folder, because workers on other machines have folders of their own. */
async function isBackupDue(db: Knex, intervalMs: number): Promise<boolean> {
  const newest = await findNewestBackup(db);
  return !newest || newest.takenAt.getTime() <= Date.now() - intervalMs;
}

/** The newest backup, if it has never been verified and is in this folder. */
async function findUnverified(db: Knex, folder: string): Promise<StoredBackup | undefined> {
  const newest = await findNewestBackup(db);
  if (!newest || newest.triedAt) return undefined;
  return (await listBackups(folder)).find(({ name }) => name === newest.name);
}
