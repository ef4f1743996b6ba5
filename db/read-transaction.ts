import type { Knex } from 'knex';

/** Reads of one moment, whatever is written meanwhile. */
export function inReadTransaction<T>(db: Knex, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  return db.transaction(work, { isolationLevel: 'repeatable read', readOnly: true });
}
