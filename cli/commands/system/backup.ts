/** `field backup`: takes a backup now, lists those that there are, and proves that one can be used. */
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { withBackupLock } from '../../../db/backup/backup-lock.ts';
import { isVerified, listBackups, type StoredBackup } from '../../../db/backup/files/backup-store.ts';
import { readManifest } from '../../../db/backup/files/manifest.ts';
import { takeBackup } from '../../../db/backup/run-backups.ts';
import { verifyBackup } from '../../../db/backup/verify-backup.ts';
import { type WriteBackupOptions, type WrittenBackup, writeBackup } from '../../../db/backup/write-backup.ts';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import { explainBackupError } from '../../backends/backup-errors.ts';
import { CliError, exitCodes } from '../../errors/cli-error.ts';
import { readSettings } from '../../input/read-settings.ts';
import { runAbortable } from '../../input/run-abortable.ts';
import { formatBytes, formatCount, pluralize } from '../../output/format-numbers.ts';
import { type Progress, startProgress } from '../../output/progress.ts';
import { renderTable } from '../../output/render-table.ts';

const head = ['backup', 'taken', 'fields', 'rows', 'size', 'verified'];

interface Options {
  to?: string;
  json?: boolean;
}

export function addBackupCommand(program: Command): void {
  const backup = program
    .command('backup')
    .description('Takes a backup of the database, while it is written to. A worker takes one a day by itself.')
    .option('--to <folder>', 'where its folder is made, apart from the scheduled ones (default: BACKUP_FOLDER)')
    .option('--json', 'prints the answer as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ npx consciousness-field backup --to /mnt/safe\n  $ npx consciousness-field backup list',
    )
    .action(createBackup);
  backup
    .command('list')
    .description('lists the backups in a folder, the newest first, and when each was verified')
    .argument('[folder]', 'default: BACKUP_FOLDER')
    .option('--json', 'prints them as JSON')
    .action((folder: string | undefined, _: Options, command: Command) => list(folder, command.optsWithGlobals()));
  backup
    .command('verify')
    .description('restores one into a scratch database on the same server, replays it, and compares')
    .argument('[backup]', 'its folder (default: the newest in BACKUP_FOLDER)')
    .option('--json', 'prints the verdict as JSON')
    .action((path: string | undefined, _: Options, command: Command) => verify(path, command.optsWithGlobals()));
}

async function createBackup({ to, json }: Options): Promise<void> {
  const settings = readSettings(['DATABASE_URL', 'BACKUP_FOLDER'], process.env, ['DATABASE_DIRECT_URL']);
  const url = directDatabaseUrl(settings);
  const startedAt = performance.now();
  const written = await withProgress(url, (progress) =>
    runAbortable(async (signal) => {
      const options: WriteBackupOptions = {
        url,
        folder: resolve(to ?? settings.BACKUP_FOLDER),
        signal,
        onProgress: ({ done, total, table }) =>
          progress.show({ done, total, text: `${formatCount(done)} of ${formatCount(total)} rows, ${table}` }),
      };
      const lock = await withBackupLock(options.url, (client) =>
        to ? writeBackup(options) : takeBackup(client, options),
      );
      return lock?.result ?? throwBackupBusy();
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const { path, manifest } = written;
  const [rows, bytes] = computeTotals(written);
  if (json) return console.log(JSON.stringify({ path, ...manifest, rows, bytes, seconds }));
  console.log(`${path}\n${formatCount(rows)} rows, ${formatBytes(bytes)}, ${seconds.toFixed(1)} s`);
}

async function list(folder: string | undefined, { json }: Options): Promise<void> {
  const { BACKUP_FOLDER } = readSettings(['BACKUP_FOLDER'], process.env);
  const from = resolve(folder ?? BACKUP_FOLDER);
  const backups = await listBackups(from);
  if (json) return console.log(JSON.stringify({ folder: from, backups: backups.map(describe) }));
  if (backups.length > 0) console.log(renderTable([head, ...backups.map(toRow)]));
  console.log(backups.length === 0 ? `No backups in ${from}` : `${backups.length} in ${from}`);
}

async function verify(backupPath: string | undefined, { json }: Options): Promise<void> {
  const settings = readSettings(['DATABASE_URL', 'BACKUP_FOLDER'], process.env, ['DATABASE_DIRECT_URL']);
  const url = directDatabaseUrl(settings);
  const { BACKUP_FOLDER } = settings;
  const path = backupPath ? resolve(backupPath) : (await listBackups(resolve(BACKUP_FOLDER)))[0]?.path;
  if (!path) throw new CliError('no', `No backups in ${resolve(BACKUP_FOLDER)}`);
  const backup = { name: basename(path), path };
  const verdict = await withProgress(url, async (progress) => {
    await readManifest(path);
    const lock = await withBackupLock(url, async (client) =>
      verifyBackup(client, { url, backup, onProgress: progress.show }),
    );
    return lock?.result ?? throwBackupBusy();
  });
  const isEqual = verdict.differences.length === 0;
  if (!isEqual) process.exitCode = exitCodes.no;
  if (json) return console.log(JSON.stringify({ path, isEqual, ...verdict }));
  for (const difference of verdict.differences) console.log(difference);
  const replayed = `${pluralize(verdict.fields, 'field')}, ${pluralize(verdict.updates, 'update')} replayed`;
  console.log(isEqual ? `${path} is as it should be: ${replayed}` : `${path} CANNOT BE TRUSTED`);
}

async function withProgress<T>(url: string, work: (progress: Progress) => Promise<T>): Promise<T> {
  const progress = startProgress(process.stderr);
  try {
    return await work(progress);
  } catch (error) {
    throw explainBackupError(error, url);
  } finally {
    progress.stop();
  }
}

function throwBackupBusy(): never {
  throw new CliError('no', 'Another backup or verification of this database is under way.', {
    hint: 'Try again once it is done; `npx consciousness-field backup list` shows it then.',
  });
}

function computeTotals({ manifest }: Pick<WrittenBackup, 'manifest'>): [rows: number, bytes: number] {
  const sum = (key: 'rows' | 'bytes') => manifest.files.reduce((total, file) => total + file[key], 0);
  return [sum('rows'), sum('bytes')];
}

function describe(backup: StoredBackup) {
  const { name, path, manifest, verdict, problem } = backup;
  if (!manifest) return { name, path, problem };
  const [rows, bytes] = computeTotals({ manifest });
  const { takenAt, installation, fields } = manifest;
  return {
    name,
    path,
    takenAt,
    installation,
    fields: fields.length,
    rows,
    bytes,
    verdict,
    isVerified: isVerified(backup),
  };
}

function toRow(backup: StoredBackup): string[] {
  const { name, manifest, verdict, problem } = backup;
  if (!manifest) return [name, `unusable: ${problem}`];
  const [rows, bytes] = computeTotals({ manifest });
  const verified = !verdict
    ? 'not yet'
    : isVerified(backup)
      ? verdict.at
      : `FAILED ${verdict.at}: ${verdict.differences[0]}`;
  return [name, manifest.takenAt, String(manifest.fields.length), formatCount(rows), formatBytes(bytes), verified];
}
