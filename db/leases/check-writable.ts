/** Checks whether a commit could succeed: a connection of the pool answers, and the server accepts writes. */
import type { Knex } from 'knex';
import { withTimeout } from '../../shared/process/with-timeout.ts';

/** @throws if PostgreSQL does not answer in time or only reads, as a standby does */
export async function checkWritable(db: Knex, timeoutMs: number): Promise<void> {
  // knex's own timeout removes the silent connection from the pool. It does not cover the wait for a connection.
  const query = db.raw<{ rows: { isReadOnly: boolean }[] }>(
    `SELECT current_setting('transaction_read_only')::bool AS "isReadOnly"`,
  );
  const { rows } = await withTimeout(Promise.resolve(query.timeout(timeoutMs)), timeoutMs);
  if (rows[0]?.isReadOnly) throw new Error('PostgreSQL accepts no writes');
}
