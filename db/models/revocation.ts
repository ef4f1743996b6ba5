/**
 * `revocations`: the tokens, devices and users whose access was revoked. Writers lock the table, so that changes are numbered
 * in commit order and a poller that reads later numbers misses none.
 */
import type { Knex } from 'knex';
import { z } from 'zod';
import { type Revocation, revocationKinds } from '../../shared/auth/revocation-list.ts';
import { Row } from './row.ts';

export const revocationSchema = z.strictObject({
  kind: z.enum(revocationKinds),
  /** The id of the token, device or user. */
  subject: z.string().min(1),
  /** In ms, by the database's clock. */
  revokedAt: z.int(),
  reason: z.string().nullable(),
  isLifted: z.boolean(),
  /** Number of the last change to this row, unique in the table and increasing. */
  change: z.int().min(1),
}) satisfies z.ZodType<Revocation>;

export interface RevocationRow extends z.infer<typeof revocationSchema> {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Objection defines the columns at run time.
export class RevocationRow extends Row {
  static override readonly tableName = 'revocations';
  static override readonly idColumn = ['kind', 'subject'];
  static override readonly schema = revocationSchema;
}

/** Revokes from now on, even if the subject was revoked before. */
export async function revoke(
  db: Knex,
  { kind, subject, reason = null }: { kind: Revocation['kind']; subject: string; reason?: string | null },
): Promise<void> {
  await withTableLock(db, async (trx) => {
    const { change, now } = await readNextChange(trx);
    await RevocationRow.query(trx)
      .insert({ kind, subject, reason, revokedAt: now, isLifted: false, change })
      .onConflict(['kind', 'subject'])
      .merge();
  });
}

/** @returns whether it was revoked */
export async function liftRevocation(
  db: Knex,
  { kind, subject }: { kind: Revocation['kind']; subject: string },
): Promise<boolean> {
  return withTableLock(db, async (trx) => {
    const { change } = await readNextChange(trx);
    const lifted = await RevocationRow.query(trx)
      .patch({ isLifted: true, change })
      .where({ kind, subject, is_lifted: false });
    return lifted > 0;
  });
}

/** Applies changes that a restored database lacks, in order. @returns how many there were */
export async function reapplyRevocations(
  db: Knex,
  changes: readonly z.infer<typeof revocationSchema>[],
): Promise<number> {
  return withTableLock(db, async (trx) => {
    let applied = 0;
    for (const revocation of [...changes].sort((a, b) => a.change - b.change)) {
      const { kind, subject } = revocation;
      const stored = await RevocationRow.query(trx).findById([kind, subject]);
      if (stored && stored.change >= revocation.change) continue;
      const { change } = await readNextChange(trx);
      const row = { ...revocation, change: Math.max(change, revocation.change) };
      await RevocationRow.query(trx).insert(row).onConflict(['kind', 'subject']).merge();
      applied += 1;
    }
    return applied;
  });
}

/** The revocations in force, the newest first. */
export async function listRevocations(db: Knex): Promise<readonly RevocationRow[]> {
  return RevocationRow.query(db).where('is_lifted', false).orderBy('change', 'desc');
}

/** Waits for other writers, so that change numbers are assigned in commit order. */
function withTableLock<Result>(db: Knex, write: (trx: Knex.Transaction) => Promise<Result>): Promise<Result> {
  return db.transaction(async (trx) => {
    await trx.raw('LOCK TABLE revocations IN SHARE ROW EXCLUSIVE MODE');
    return write(trx);
  });
}

const nextChangeSql = `
  SELECT (coalesce(max(change), 0) + 1)::float8 AS change,
    floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now
  FROM revocations`;

async function readNextChange(trx: Knex.Transaction): Promise<{ change: number; now: number }> {
  const { rows } = await trx.raw<{ rows: [{ change: number; now: number }] }>(nextChangeSql);
  return rows[0];
}
