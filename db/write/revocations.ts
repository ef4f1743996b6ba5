/** Revoking tokens, and taking that back. One writer at a time, so that changes are numbered in the order of commits. */
import type { Knex } from 'knex';
import type { Revocation, RevocationKind } from '../../shared/auth/revocation-list.ts';
import { RevocationRow } from '../rows.ts';

const nextChange = '(SELECT coalesce(max(change), 0) + 1 FROM revocations)';
const now = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

const revokeSql = `
  INSERT INTO revocations (kind, subject, reason, revoked_at, change) VALUES (?, ?, ?, ${now}, ${nextChange})
  ON CONFLICT (kind, subject) DO UPDATE
    SET revoked_at = excluded.revoked_at, reason = excluded.reason, change = excluded.change, is_lifted = false`;

const liftSql = `
  UPDATE revocations SET is_lifted = true, change = ${nextChange}
  WHERE kind = ? AND subject = ? AND NOT is_lifted`;

/** From now on, whatever was revoked of the same before. */
export async function revoke(db: Knex, kind: RevocationKind, subject: string, reason?: string): Promise<void> {
  await withTableLock(db, (trx) => trx.raw(revokeSql, [kind, subject, reason ?? null]));
}

/** @returns whether it was revoked */
export async function liftRevocation(db: Knex, kind: RevocationKind, subject: string): Promise<boolean> {
  const { rowCount } = await withTableLock<{ rowCount: number }>(db, (trx) => trx.raw(liftSql, [kind, subject]));
  return rowCount > 0;
}

export interface ListedRevocation extends Revocation {
  readonly reason: string | null;
}

/** Those that stand, the newest first. */
export async function listRevocations(db: Knex): Promise<readonly ListedRevocation[]> {
  return RevocationRow.query(db).where('is_lifted', false).orderBy('change', 'desc');
}

function withTableLock<Result>(db: Knex, write: (trx: Knex.Transaction) => PromiseLike<Result>): Promise<Result> {
  return db.transaction(async (trx) => {
    await trx.raw('LOCK TABLE revocations IN SHARE ROW EXCLUSIVE MODE');
    return write(trx);
  });
}
