/** `field migrate`: the schema of the database, forward, back, or just told. */
import type { Command } from 'commander';
import { migrate, migrateDown } from '../../../db/migrations/migrate.ts';
import { type MigrationStatus, readMigrationStatus } from '../../../db/migrations/migration-status.ts';
import { listFields } from '../../../db/read/verify-field.ts';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import { describeAddress, explainDatabaseError, withDatabase } from '../../backends/with-database.ts';
import { CliError } from '../../errors/cli-error.ts';
import { readSettings } from '../../input/read-settings.ts';

const waitingNoticeMs = 2000;

interface Options {
  down?: boolean;
  status?: boolean;
  yes?: boolean;
  json?: boolean;
}

export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('Brings the database to the newest schema. Waits up to a minute for PostgreSQL to answer.')
    .option('--status', 'only says which migrations are applied and which are not')
    .option('--down', 'takes the last batch of migrations back, and all that is in their tables with it')
    .option('--yes', 'with --down: even if fields are lost')
    .option('--json', 'prints the answer as JSON')
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=postgres://… npx consciousness-field migrate')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { down, status, yes, json } = options;
  if (down && status) throw new CliError('usage', 'Say either --down or --status.');
  const url = directDatabaseUrl(readSettings(['DATABASE_URL'], process.env, ['DATABASE_DIRECT_URL']));
  if (status) {
    const migrationStatus = await withDatabase(url, readMigrationStatus);
    return console.log(json ? JSON.stringify(migrationStatus) : describeStatus(migrationStatus));
  }
  if (down && !yes) await assertNoFieldsLost(url);
  if (down) {
    const { undone } = await withWaitingNotice(url, () => migrateDown(url));
    const message = undone.length > 0 ? `Taken back: ${undone.join(', ')}` : 'There is nothing to take back.';
    return console.log(json ? JSON.stringify({ undone }) : message);
  }
  const { applied } = await withWaitingNotice(url, () => migrate(url));
  const message = applied.length > 0 ? `Applied: ${applied.join(', ')}` : 'The database is up to date.';
  console.log(json ? JSON.stringify({ applied }) : message);
}

/** Says so when it takes a while: a database that is still starting is waited for. */
async function withWaitingNotice<T>(url: string, work: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => {
    console.error(`PostgreSQL at ${describeAddress(url)} does not answer yet: waiting for it, at most a minute.`);
  }, waitingNoticeMs);
  try {
    return await work();
  } catch (error) {
    throw explainDatabaseError(error, url);
  } finally {
    clearTimeout(timer);
  }
}

function describeStatus({ applied, pending }: MigrationStatus): string {
  return [...applied.map((name) => `applied  ${name}`), ...pending.map((name) => `pending  ${name}`)].join('\n');
}

async function assertNoFieldsLost(url: string): Promise<void> {
  const fields = await withDatabase(url, async (db) =>
    (await readMigrationStatus(db)).applied.length > 0 ? await listFields(db) : [],
  );
  if (fields.length === 0) return;
  const [first] = fields;
  const which = fields.length === 1 ? `the field ${first}` : `${fields.length} fields, ${first} among them`;
  throw new CliError('no', `Refused: the database at ${describeAddress(url)} holds ${which}, which would be lost.`, {
    hint: 'If that is what you want, say it with --yes.',
  });
}
