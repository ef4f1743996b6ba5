/** Read transactions: several reads that must see the same moment. */
import type { Knex } from 'knex';

/** Runs reads that all see the database as of the first one, unaffected by concurrent writes. */
export function inReadTransaction<T>(db: Knex, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  return db.transaction(work, { isolationLevel: 'repeatable read', readOnly: true });
}
