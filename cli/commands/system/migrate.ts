/** `migrate`: migrates the schema of the database forward or back, or prints its status. */

import { migrate, migrateDown } from '../../../db/migrations/migrate.ts';
import { type MigrationStatus, readMigrationStatus } from '../../../db/migrations/migration-status.ts';
import { listFields } from '../../../db/read/verify-field.ts';
import { grantRoles } from '../../../db/roles/grant-roles.ts';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import { type CommandAction, recordActions } from '../../backends/record-action.ts';
import { describeAddress, explainDatabaseError, withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { readSettings } from '../../input/read-settings.ts';

const waitingNoticeMs = 2000;

export interface MigrateOptions {
  readonly down?: boolean;
  readonly status?: boolean;
  readonly roles?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export async function runMigrate(options: MigrateOptions, context: CommandContext): Promise<void> {
  const { down, status, roles, yes, json } = options;
  if ([down, status, roles].filter(Boolean).length > 1) {
    throw new CliError('usage', '--down, --status and --roles exclude each other.');
  }
  const url = directDatabaseUrl(readSettings(['DATABASE_URL'], context, ['DATABASE_DIRECT_URL']));
  if (status) {
    const migrationStatus = await withDatabase(url, readMigrationStatus);
    return context.print(json ? JSON.stringify(migrationStatus) : describeStatus(migrationStatus));
  }
  if (down && !yes) await assertNoFieldsLost(url);
  if (down) {
    const { undone } = await withWaitingNotice(url, context, () => migrateDown(url));
    if (undone.length > 0) await recordMigration(url, { action: 'migrate.down', details: { undone } });
    const message = undone.length > 0 ? `Rolled back: ${undone.join(', ')}` : 'There is nothing to roll back.';
    return context.print(json ? JSON.stringify({ undone }) : message);
  }
  const { applied } = await withWaitingNotice(url, context, () => migrate(url));
  if (applied.length > 0) await recordMigration(url, { action: 'migrate', details: { applied } });
  if (roles) {
    await grantRoles(url).catch((error: unknown) => {
      throw explainDatabaseError(error, url);
    });
    await recordMigration(url, { action: 'migrate.roles' });
  }
  const message = applied.length > 0 ? `Applied: ${applied.join(', ')}` : 'The database is up to date.';
  context.print(json ? JSON.stringify({ applied }) : message);
  if (roles && !json) context.print('The roles field_api and field_worker have what they need.');
}

/** Migrations wait for a database that is still starting; after two seconds this prints a notice. */
async function withWaitingNotice<T>(url: string, context: CommandContext, work: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => {
    context.warn(`PostgreSQL at ${describeAddress(url)} does not respond yet; waiting up to a minute.`);
  }, waitingNoticeMs);
  try {
    return await work();
  } catch (error) {
    throw explainDatabaseError(error, url);
  } finally {
    clearTimeout(timer);
  }
}

/** Does not fail if a migration back has removed the table of the records. */
async function recordMigration(url: string, action: CommandAction): Promise<void> {
  await withDatabase(url, async (db) => {
    if (await db.schema.hasTable('operator_actions')) await recordActions(db, [action]);
  });
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
  throw new CliError(
    'negative',
    `Refused: the database at ${describeAddress(url)} holds ${which}, which would be lost.`,
    {
      hint: 'Add --yes to roll back nevertheless.',
    },
  );
}
