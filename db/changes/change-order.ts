/** The lock under which positions of the change feed are given and rows of it are deleted. */
import type { Knex } from 'knex';

/** The key of the advisory lock. Never change it: different versions of this program may run at the same time. */
const changeOrderLockId = 4_715_301_966;

/**
 * Runs work that no other process does at the same time. Its statements see everything that was committed before the lock was
 * taken, and the lock is held until its own changes are visible.
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

/** For a transaction that has begun; only its later statements see all that others have done under the lock. */
export async function lockChangeOrder(trx: Knex.Transaction): Promise<void> {
  await trx.raw('SELECT pg_advisory_xact_lock(?::bigint)', [changeOrderLockId]);
}
