/** `backup`, `backup list` and `backup verify`. */
import { basename, resolve } from 'node:path';
import { type BackupSession, withBackupLock } from '../../../db/backup/backup-lock.ts';
import { listBackups } from '../../../db/backup/files/backup-store.ts';
import { readManifest } from '../../../db/backup/files/manifest.ts';
import { syncRecords } from '../../../db/backup/records/sync-records.ts';
import { takeBackup } from '../../../db/backup/run-backups.ts';
import { type RestoreDrill, verifyBackup } from '../../../db/backup/verify-backup.ts';
import { type WriteBackupOptions, type WrittenBackup, writeBackup } from '../../../db/backup/write-backup.ts';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import { explainBackupError } from '../../backends/backup-errors.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { readSettings } from '../../input/read-settings.ts';
import { type Progress, startProgress } from '../../output/progress.ts';
import { formatBytes, formatCount, pluralize } from '../../text/format-numbers.ts';
import { computeTotals, describeBackup, renderBackups } from './render-backups.ts';

export interface BackupOptions {
  readonly to?: string;
  readonly json?: boolean;
}

/** SIGINT or SIGTERM removes the unfinished backup. @throws CliError `stopped` */
export async function createBackup({ to, json }: BackupOptions, context: CommandContext): Promise<void> {
  const settings = readSettings(['DATABASE_URL', 'BACKUP_FOLDER'], context, ['DATABASE_DIRECT_URL']);
  const url = directDatabaseUrl(settings);
  const signal = context.catchShutdownSignals();
  const startedAt = performance.now();
  const written = await withProgress(url, context, async (progress) => {
    const options: WriteBackupOptions = {
      url,
      folder: resolve(context.cwd, to ?? settings.BACKUP_FOLDER),
      signal,
      onProgress: ({ done, total, table }) =>
        progress.show({ done, total, text: `${formatCount(done)} of ${formatCount(total)} rows, ${table}` }),
    };
    const lock = await withBackupLock(url, (session) =>
      to ? writeElsewhere(session, options) : takeBackup(session, options),
    );
    return lock?.result ?? throwBackupBusy();
  }).catch((cause: unknown) => {
    if (!signal.aborted) throw cause;
    throw new CliError('stopped', 'Stopped. The unfinished backup was removed.', { cause });
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const { path, manifest } = written;
  const { rows, bytes } = computeTotals(manifest);
  if (json) return context.print(JSON.stringify({ path, ...manifest, rows, bytes, seconds }));
  context.print(`${path}\n${formatCount(rows)} rows, ${formatBytes(bytes)}, ${seconds.toFixed(1)} s`);
}

/** Writes a backup outside of the schedule's folder, which is therefore not recorded as one of its backups. */
async function writeElsewhere({ db }: BackupSession, options: WriteBackupOptions): Promise<WrittenBackup> {
  const written = await writeBackup(options);
  await syncRecords(db, options.folder);
  return written;
}

export async function listFolder(
  folder: string | undefined,
  { json }: BackupOptions,
  context: CommandContext,
): Promise<void> {
  const { BACKUP_FOLDER } = readSettings(['BACKUP_FOLDER'], context);
  const from = resolve(context.cwd, folder ?? BACKUP_FOLDER);
  const backups = await listBackups(from);
  if (json) return context.print(JSON.stringify({ folder: from, backups: backups.map(describeBackup) }));
  if (backups.length > 0) context.print(renderBackups(backups));
  context.print(backups.length === 0 ? `No backups in ${from}` : `${backups.length} in ${from}`);
}

export async function verifyFolder(
  folder: string | undefined,
  { json }: BackupOptions,
  context: CommandContext,
): Promise<void> {
  const settings = readSettings(['DATABASE_URL', 'BACKUP_FOLDER'], context, ['DATABASE_DIRECT_URL']);
  const url = directDatabaseUrl(settings);
  const scheduledFolder = resolve(context.cwd, settings.BACKUP_FOLDER);
  const path = folder ? resolve(context.cwd, folder) : (await listBackups(scheduledFolder))[0]?.path;
  if (!path) throw new CliError('negative', `No backups in ${scheduledFolder}`);
  const backup = { name: basename(path), path };
  const result = await withProgress(url, context, async (progress) => {
    await readManifest(path);
    const lock = await withBackupLock(url, async (client) =>
      verifyBackup(client, { url, backup, onProgress: progress.show }),
    );
    return lock?.result ?? throwBackupBusy();
  });
  const isEqual = result.differences.length === 0;
  if (!isEqual) context.setExitCode('negative');
  if (json) return context.print(JSON.stringify({ path, isEqual, ...result }));
  for (const difference of result.differences) context.print(difference);
  const replayed = `${pluralize(result.fields, 'field')}, ${pluralize(result.updates, 'update')} replayed`;
  context.print(isEqual ? `${path} is verified: ${replayed}` : `${path} FAILED VERIFICATION`);
  if (result.drill) context.print(describeDrill(result.drill));
}

function describeDrill({ restoreSeconds, compareSeconds, snapshots }: RestoreDrill): string {
  const compared = `the state and ${pluralize(snapshots, 'snapshot')} with the replayed log, and the hash of every entry`;
  return `Restored in ${restoreSeconds.toFixed(1)} s; compared ${compared}, in ${compareSeconds.toFixed(1)} s`;
}

async function withProgress<T>(
  url: string,
  context: CommandContext,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = startProgress(context.stderr);
  try {
    return await work(progress);
  } catch (error) {
    throw explainBackupError(error, url);
  } finally {
    progress.stop();
  }
}

function throwBackupBusy(): never {
  throw new CliError('negative', 'Another backup or verification of this database is running.', {
    hint: 'Retry when it has finished; `npx consciousness-field backup list` then lists its result.',
  });
}
