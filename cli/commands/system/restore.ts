/** `field restore`: puts a backup into an empty database: all of it or nothing. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { restoreBackup } from '../../../db/backup/restore-backup.ts';
import { configSchema } from '../../../shared/config/config.ts';
import { explainBackupError } from '../../backends/backup-errors.ts';
import { describeAddress } from '../../backends/with-database.ts';
import { CliError } from '../../errors/cli-error.ts';
import { formatBytes, pluralize } from '../../output/format-numbers.ts';
import { startProgress } from '../../output/progress.ts';

interface Options {
  database: string;
  json?: boolean;
}

export function addRestoreCommand(program: Command): void {
  program
    .command('restore')
    .description('Puts a backup into an empty database, all of it or nothing. What is damaged is refused by name.')
    .argument('<backup>', 'the folder of the backup, as `field backup list` shows it')
    .requiredOption('--database <url>', 'an empty database, postgres://…; never the one that is in use')
    .option('--json', 'prints the answer as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ npx consciousness-field restore backups/field-… --database postgres://field@127.0.0.1/restored\n' +
        '\nAfterwards: DATABASE_URL=postgres://… npx consciousness-field verify, then start the API and the workers on it.',
    )
    .action(run);
}

async function run(backupPath: string, { database: url, json }: Options): Promise<void> {
  if (!configSchema.shape.DATABASE_URL.safeParse(url).success) {
    throw new CliError('usage', '--database must start with postgres:// or postgresql://');
  }
  const folder = resolve(backupPath);
  const startedAt = performance.now();
  const progress = startProgress(process.stderr);
  try {
    const { fields, files, takenAt } = await restoreBackup({
      folder,
      url,
      onProgress: ({ done, total, step, file }) =>
        progress.show({ done, total, text: `${formatBytes(done)} of ${formatBytes(total)}, ${step} ${file}` }),
    });
    progress.stop();
    const seconds = (performance.now() - startedAt) / 1000;
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    const database = describeAddress(url);
    if (json) return console.log(JSON.stringify({ folder, database, takenAt, fields: fields.length, rows, seconds }));
    console.log(`${pluralize(fields.length, 'field')}, ${pluralize(rows, 'row')} in ${database}, as of ${takenAt}`);
    console.log(`${seconds.toFixed(1)} s. Next: DATABASE_URL=… npx consciousness-field verify`);
  } catch (error) {
    throw explainBackupError(error, url);
  } finally {
    progress.stop();
  }
}
