/** `restore`: restores a backup into an empty database, completely or not at all. */
import { resolve } from 'node:path';
import { restoreBackup } from '../../../db/backup/restore-backup.ts';
import { configSchema } from '../../../shared/config/settings.ts';
import { explainBackupError } from '../../backends/backup-errors.ts';
import { recordActions } from '../../backends/record-action.ts';
import { describeAddress, withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { formatBytes, pluralize } from '../../output/format-numbers.ts';
import { startProgress } from '../../output/progress.ts';

export interface RestoreOptions {
  /** The address of the database to restore into. */
  readonly database: string;
  readonly json?: boolean;
}

export async function restore(
  backupPath: string,
  { database, json }: RestoreOptions,
  context: CommandContext,
): Promise<void> {
  const url = addPassword(database, context.env.PGPASSWORD);
  const folder = resolve(context.cwd, backupPath);
  const startedAt = performance.now();
  const progress = startProgress(context.stderr);
  try {
    const { fields, files, takenAt } = await restoreBackup({
      folder,
      url,
      onProgress: ({ done, total, step, file }) =>
        progress.show({ done, total, text: `${formatBytes(done)} of ${formatBytes(total)}, ${step} ${file}` }),
    });
    progress.stop();
    await withDatabase(url, (db) => recordActions(db, [{ action: 'restore', target: folder, details: { takenAt } }]));
    const seconds = (performance.now() - startedAt) / 1000;
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    const address = describeAddress(url);
    const result = { folder, database: address, takenAt, fields: fields.length, rows, seconds };
    if (json) return context.print(JSON.stringify(result));
    context.print(`${pluralize(fields.length, 'field')}, ${pluralize(rows, 'row')} in ${address}, as of ${takenAt}`);
    context.print(`${seconds.toFixed(1)} s. Next: DATABASE_URL=… npx consciousness-field verify`);
  } catch (error) {
    throw explainBackupError(error, url);
  } finally {
    progress.stop();
  }
}

/** Every user of the machine can read the arguments of a process, so that a password in them is refused. */
function addPassword(database: string, password: string | undefined): string {
  if (!configSchema.shape.DATABASE_URL.safeParse(database).success || !URL.canParse(database)) {
    throw new CliError('usage', '--database must start with postgres:// or postgresql://');
  }
  const url = new URL(database);
  if (url.password || url.searchParams.has('password')) {
    throw new CliError('usage', '--database contains a password, which others can see: set PGPASSWORD instead');
  }
  if (password) url.password = encodeURIComponent(password);
  return url.href;
}
