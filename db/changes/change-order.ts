/** The lock that serializes assigning positions in the change feed and deleting its rows. */
import type { Knex } from 'knex';

/** The key of the advisory lock. Never change it: different versions of this program may run at the same time. */
const changeOrderLockId = 4_715_301_966;

/**
 * Runs work that no other process does at the same time. The work sees everything that was committed before the lock was taken,
 * and the lock is held until the work's own changes are visible.
 */
export function inChangeOrder<T>(db: Knex, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  return db.transaction(
    async (trx) => {
      await lockChangeOrder(trx);
      return work(trx);
    },
    { isolationLevel: 'read committed' },
  );
}

/** Takes the lock in a running transaction. Only later statements see what others have committed under the lock. */
export async function lockChangeOrder(trx: Knex.Transaction): Promise<void> {
  await trx.raw('SELECT pg_advisory_xact_lock(?::bigint)', [changeOrderLockId]);
}
