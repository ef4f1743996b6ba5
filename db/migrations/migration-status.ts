/** Which migrations a database has had, and which it lacks. Changes nothing. */
import type { Knex } from 'knex';
import { fallbackSchema } from '../../shared/queue/fallback-queue.ts';
import { migrationSource } from './source.ts';

const historyTable = 'knex_migrations';

export interface MigrationStatus {
  readonly applied: string[];
  readonly pending: string[];
}

/** Without a history nothing was applied; asking knex would create one. */
export async function readMigrationStatus(db: Knex): Promise<MigrationStatus> {
  const all = await listKnownMigrations();
  if (!(await db.schema.hasTable(historyTable))) return { applied: [], pending: all };
  // What this version does not know of is listed as well; knex itself would refuse.
  const rows = await db<{ name: string }>(historyTable).select('name').orderBy('id');
  const applied = rows.map(({ name }) => name);
  return { applied, pending: all.filter((name) => !applied.includes(name)) };
}

/** In the order in which they are applied. */
export async function listKnownMigrations(): Promise<string[]> {
  return (await migrationSource.getMigrations([])).map((migration) => migrationSource.getMigrationName(migration));
}

/** Whether the queue that stands in for Redis has its tables. */
export async function hasFallbackQueue(db: Knex): Promise<boolean> {
  return db.schema.withSchema(fallbackSchema).hasTable('job');
}
