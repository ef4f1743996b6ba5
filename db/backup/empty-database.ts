/** Checks that a database contains no data, because a restore neither merges with existing data nor replaces it. */
import type pg from 'pg';
import { fallbackSchema } from '../../shared/queue/fallback-queue.ts';
import { quoteIdentifier } from './backup-tables.ts';
import { BackupError } from './files/backup-error.ts';

/** Tables that contain rows even in a database that has only been migrated. */
const bookkeepingTables = [
  'public.knex_migrations',
  'public.knex_migrations_lock',
  'public.installation',
  'public.rule_settings',
  'public.operator_actions',
  `${fallbackSchema}.migration`,
  `${fallbackSchema}.meta`,
];

const tablesSql = `
  SELECT namespace.nspname AS schema, class.relname AS table
  FROM pg_class class JOIN pg_namespace namespace ON namespace.oid = class.relnamespace
  WHERE class.relkind IN ('r', 'p', 'f', 'm') AND namespace.nspname !~ '^pg_' AND namespace.nspname <> 'information_schema'
    AND namespace.nspname || '.' || class.relname <> ALL ($1)
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = class.oid AND deptype = 'e')
  ORDER BY 1, 2`;

/** @throws BackupError `not_empty`, which names the first table that contains rows */
export async function assertDatabaseEmpty(client: pg.Client): Promise<void> {
  const { rows: tables } = await client.query<{ schema: string; table: string }>(tablesSql, [bookkeepingTables]);
  for (const { schema, table } of tables) {
    const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
    const { rows } = await client.query<{ hasRows: boolean }>(`SELECT EXISTS (SELECT FROM ${name}) AS "hasRows"`);
    if (rows[0]?.hasRows)
      throw new BackupError('not_empty', `the database is not empty: ${schema}.${table} contains rows`);
  }
}
