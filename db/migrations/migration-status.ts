/** Reads which migrations have been applied to a database and which are pending, without changing it. */
import type { Knex } from 'knex';
import { fallbackSchema } from '../../shared/queue/fallback-queue.ts';
import { listMigrations } from './source.ts';

const historyTable = 'knex_migrations';

export interface MigrationStatus {
  readonly applied: string[];
  readonly pending: string[];
}

/** Does not call knex's own status methods, because they create the history table when it is missing. */
export async function readMigrationStatus(db: Knex): Promise<MigrationStatus> {
  const all = listMigrations();
  if (!(await db.schema.hasTable(historyTable))) return { applied: [], pending: all };
  // Includes migrations of a newer version. Knex's own status methods throw when they find one.
  const rows = await db<{ name: string }>(historyTable).select('name').orderBy('id');
  const applied = rows.map(({ name }) => name);
  return { applied, pending: all.filter((name) => !applied.includes(name)) };
}

/** Whether the tables of the fallback queue exist. */
export async function hasFallbackQueue(db: Knex): Promise<boolean> {
  return db.schema.withSchema(fallbackSchema).hasTable('job');
}
