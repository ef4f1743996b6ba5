/** Counts the statements that PostgreSQL executes in a test's database, from any connection. */
import type { Knex } from 'knex';

const countSql = `
  SELECT coalesce(sum(calls), 0)::int AS calls FROM pg_stat_statements
  WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query ILIKE ?`;

/** Starts counting statements that match `pattern` (ILIKE). The returned function reads the count so far. */
export async function countStatements(db: Knex, pattern: string): Promise<() => Promise<number>> {
  await db.raw('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  const read = async () => {
    const { rows }: { rows: { calls: number }[] } = await db.raw(countSql, [pattern]);
    return rows[0]?.calls ?? 0;
  };
  const before = await read();
  return async () => (await read()) - before;
}
