/** What the schedule does when its time has come: a backup if one is due, its verification, and what has expired. */
import type pg from 'pg';
import { withBackupLock } from './backup-lock.ts';
import { deleteBackupRecord, findNewestBackup, recordBackup } from './backup-records.ts';
import { withClient } from './client.ts';
import {
  findExpiredBackups,
  listBackups,
  type RetentionOptions,
  removeBackup,
  removePartials,
  type StoredBackup,
  type VerificationResult,
} from './files/backup-store.ts';
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
  /** Names of what was removed: expired, cut off, left over. */
  readonly removed: readonly string[];
}

/** Whether a run would do anything: a backup, or its verification. */
export async function isAnythingDue({ url, folder, intervalMs }: BackupPlan): Promise<boolean> {
  return withClient(
    url,
    async (client) => (await isBackupDue(client, intervalMs)) || (await findUnverified(client, folder)) !== undefined,
  );
}

/** @returns undefined when another process is at it */
export async function runBackups(plan: BackupPlan): Promise<BackupRun | undefined> {
  const lock = await withBackupLock(plan.url, (client) => runLocked(client, plan));
  return lock?.result;
}

async function runLocked(client: pg.Client, plan: BackupPlan): Promise<BackupRun> {
  const { url, folder } = plan;
  const installation = await readInstallation(client);
  const removed = [...(await removePartials(folder, installation)), ...(await dropLeftoverDatabases(client))];
  const written = (await isBackupDue(client, plan.intervalMs)) ? await takeBackup(client, { url, folder }) : undefined;
  const unverified = await findUnverified(client, folder);
  const verified = unverified && {
    name: unverified.name,
    verdict: await verifyBackup(client, { url, backup: unverified }),
  };
  for (const backup of findExpiredBackups(await listBackups(folder), { ...plan, installation, now: Date.now() })) {
    await removeBackup(folder, backup);
    await deleteBackupRecord(client, backup.name);
    removed.push(backup.name);
  }
  return { written, verified, removed };
}

/** Takes a backup that counts as the schedule's own. */
export async function takeBackup(
  client: pg.Client,
  options: Parameters<typeof writeBackup>[0],
): Promise<WrittenBackup> {
  const written = await writeBackup(options);
  await recordBackup(client, written.name, written.manifest.takenAt);
  return written;
}

/** The database remembers, not the folder: workers on other machines have others. */
async function isBackupDue(client: pg.Client, intervalMs: number): Promise<boolean> {
  const newest = await findNewestBackup(client);
  return !newest || newest.takenAt.getTime() <= Date.now() - intervalMs;
}

/** The newest, if it has never been tried, and lies in this folder. */
async function findUnverified(client: pg.Client, folder: string): Promise<StoredBackup | undefined> {
  const newest = await findNewestBackup(client);
  if (!newest || newest.triedAt) return undefined;
  return (await listBackups(folder)).find(({ name }) => name === newest.name);
}

async function readInstallation(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ id: string }>('SELECT id FROM installation');
  const [row] = rows;
  if (!row) throw new Error('the database has no installation id');
  return row.id;
}
