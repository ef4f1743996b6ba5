/** `restore`: restores a backup into an empty database, completely or not at all. */
import { dirname, resolve } from 'node:path';
import { type Records, readRecords } from '../../../db/backup/records/records-file.ts';
import { restoreBackup } from '../../../db/backup/restore-backup.ts';
import { configSchema } from '../../../shared/config/settings.ts';
import { createPseudonyms, type Pseudonyms } from '../../../shared/history/pseudonyms.ts';
import { explainBackupError } from '../../backends/backup-errors.ts';
import { recordActions } from '../../backends/record-action.ts';
import { describeAddress, withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { type AppliedRecords, applyRecords, requireKey } from '../../erase/apply-records.ts';
import { withFallbackQueue } from '../../erase/open-queues.ts';
import { CliError } from '../../errors/cli-error.ts';
import { readSettings } from '../../input/read-settings.ts';
import { startProgress } from '../../output/progress.ts';
import { formatBytes, pluralize } from '../../text/format-numbers.ts';

/** Finding the erased users visits the whole log. */
const statementTimeoutMs = 3_600_000;

export interface RestoreOptions {
  /** The address of the database to restore into. */
  readonly database: string;
  readonly json?: boolean;
}

/** Erasures and revocations that are recorded beside the backup are applied again. */
export async function restore(
  backupPath: string,
  { database, json }: RestoreOptions,
  context: CommandContext,
): Promise<void> {
  const url = addPassword(database, context.env.PGPASSWORD);
  const folder = resolve(context.cwd, backupPath);
  const pseudonyms = createPseudonyms(readSettings([], context, ['ERASURE_KEY']).ERASURE_KEY);
  const records = await readRecords(dirname(folder)).catch((error: unknown) => {
    throw explainBackupError(error, url);
  });
  for (const record of records.erasures) requireKey(pseudonyms, record);
  const startedAt = performance.now();
  const progress = startProgress(context.stderr);
  try {
    const { fields, files, takenAt } = await restoreBackup({
      folder,
      url,
      onProgress: ({ done, total, step, file }) =>
        progress.show({ done, total, text: `${formatBytes(done)} of ${formatBytes(total)}, ${step} ${file}` }),
    });
    const applied = await applyAgain(url, records, pseudonyms);
    progress.stop();
    await withDatabase(url, (db) => recordActions(db, [{ action: 'restore', target: folder, details: { takenAt } }]));
    const seconds = (performance.now() - startedAt) / 1000;
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    const address = describeAddress(url);
    const result = { folder, database: address, takenAt, fields: fields.length, rows, applied, seconds };
    if (json) return context.print(JSON.stringify(result));
    context.print(`${pluralize(fields.length, 'field')}, ${pluralize(rows, 'row')} in ${address}, as of ${takenAt}`);
    const { erasures, revocations } = applied;
    if (erasures + revocations > 0)
      context.print(`Applied again: ${pluralize(erasures, 'erasure')}, ${pluralize(revocations, 'revocation')}`);
    context.print(`${seconds.toFixed(1)} s. Next: DATABASE_URL=… npx consciousness-field verify`);
  } catch (error) {
    throw explainBackupError(error, url);
  } finally {
    progress.stop();
  }
}

/** Refuses a password in the argument, because every user of the machine can read the arguments of a process. */
function addPassword(database: string, password: string | undefined): string {
  if (!configSchema.shape.DATABASE_URL.safeParse(database).success || !URL.canParse(database)) {
    throw new CliError('usage', '--database must be an address with one host, postgres://USER@HOST:PORT/NAME');
  }
  const url = new URL(database);
  if (url.password || url.searchParams.has('password')) {
    throw new CliError('usage', '--database contains a password, which others can see: set PGPASSWORD instead');
  }
  if (password) url.password = encodeURIComponent(password);
  return url.href;
}

/** The restored database has its own caches and watchers, which are empty. Its fallback queue comes from the backup. */
async function applyAgain(url: string, records: Records, pseudonyms: Pseudonyms | undefined): Promise<AppliedRecords> {
  const nothing = async () => undefined;
  const callbacks = { onRecorded: nothing, onAppended: nothing, onDeleted: nothing, onProgress: () => undefined };
  return withDatabase(
    url,
    (db) =>
      withFallbackQueue(db, url, (queue) => applyRecords(db, records, pseudonyms, { queues: [queue], ...callbacks })),
    { statementTimeoutMs },
  );
}
