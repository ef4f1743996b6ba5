/** What the tables take on disk, and a hash of all their rows. */
import { createHash } from 'node:crypto';
import type { Knex } from 'knex';

const sizesSql = `
  SELECT (SELECT count(*) FROM field_updates) AS entries,
    pg_total_relation_size('field_updates') AS log,
    pg_indexes_size('field_updates') AS indexes,
    pg_total_relation_size('field_snapshots') AS snapshots,
    pg_database_size(current_database()) AS database`;

/** Of the log with its indexes, of the indexes alone, of the snapshots, and of the whole database. */
export async function readSizes(db: Knex): Promise<Readonly<Record<string, number>>> {
  const { rows } = await db.raw<{ rows: [Record<'entries' | 'log' | 'indexes' | 'snapshots' | 'database', number>] }>(
    sizesSql,
  );
  const { entries, log, indexes, snapshots, database } = rows[0];
  const toMegabytes = (bytes: number) => Math.round(bytes / 1e6);
  return {
    bytesPerUpdate: Math.round(log / entries),
    logMegabytes: toMegabytes(log),
    indexMegabytes: toMegabytes(indexes),
    snapshotMegabytes: toMegabytes(snapshots),
    databaseMegabytes: toMegabytes(database),
  };
}

const tables = ['consciousness_states', 'field_conflicts', 'field_snapshots', 'field_updates', 'vector_clocks'];

/** A hash of all rows of the backed-up tables, whatever their order. */
export async function hashRows(db: Knex): Promise<string> {
  const hash = createHash('sha256');
  for (const table of tables) {
    const { rows } = await db.raw(
      `SELECT count(*)::text AS rows, sum(hashtextextended(t::text, 0))::text AS hash FROM ${table} t`,
    );
    hash.update(JSON.stringify([table, rows[0]]));
  }
  return hash.digest('hex').slice(0, 16);
}
