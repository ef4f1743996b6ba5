/** Deletes what the change feed no longer needs: ranges whose entries retention has deleted, and old deletions of fields. */
import type { Knex } from 'knex';
import type { FieldId } from '../../shared/field/ids.ts';
import { secondsPerDay } from '../../shared/time-units.ts';
import { inChangeOrder, lockChangeOrder } from './change-order.ts';

/** The last row is kept, because the next position is computed from it. */
const isLastSql = 'position = (SELECT max(position) FROM change_ranges)';

/** The ranges that one transaction merges, all of one field, so that the lock is never held for long. */
const maxMerged = 5000;

/** The fields that have several ranges without entries. */
const fieldsSql = `
  SELECT field_id AS field FROM consciousness_states state
  WHERE log_start > 0 AND (
    SELECT count(*) FROM (
      SELECT 1 FROM change_ranges range
      WHERE range.field_id = state.field_id AND range.genesis = state.genesis AND NOT range.is_deletion
        AND range.version <= state.log_start
      LIMIT 2
    ) AS pruned
  ) = 2`;

/**
 * Merges a field's ranges without entries into the last one of them, which takes over their versions, so that every reader
 * sees that entries were pruned.
 */
const mergeSql = `
  WITH pruned AS (
    SELECT position, max(position) OVER () AS last, min(after_version) OVER () AS after_version
    FROM (
      SELECT range.position, range.after_version FROM change_ranges range
      JOIN consciousness_states state ON state.field_id = range.field_id AND state.genesis = range.genesis
      WHERE range.field_id = :field AND NOT range.is_deletion AND range.version <= state.log_start
      ORDER BY range.version LIMIT :limit
    ) AS slice
  ), deleted AS (
    DELETE FROM change_ranges range USING pruned WHERE range.position = pruned.position AND pruned.position < pruned.last
    RETURNING range.position
  ), merged AS (
    UPDATE change_ranges range SET after_version = pruned.after_version FROM pruned
    WHERE range.position = pruned.position AND pruned.position = pruned.last
      AND range.after_version <> pruned.after_version
  )
  SELECT count(*)::int AS count FROM deleted`;

/** @returns how many rows were deleted */
export async function pruneChanges(db: Knex, retentionDays: number): Promise<number> {
  const { rows: fields } = await db.raw<{ rows: { field: FieldId }[] }>(fieldsSql);
  let deleted = 0;
  for (const { field } of fields) deleted += await mergeRanges(db, field);
  return inChangeOrder(db, async (trx) => {
    const { rowCount } = await trx.raw<{ rowCount: number }>(
      `DELETE FROM change_ranges
       WHERE is_deletion AND added_at < clock_timestamp() - make_interval(secs => :seconds) AND NOT ${isLastSql}`,
      { seconds: retentionDays * secondsPerDay },
    );
    return deleted + rowCount;
  });
}

async function mergeRanges(db: Knex, field: FieldId): Promise<number> {
  let deleted = 0;
  for (;;) {
    const { rows } = await inChangeOrder(db, (trx) =>
      trx.raw<{ rows: [{ count: number }] }>(mergeSql, { field, limit: maxMerged }),
    );
    deleted += rows[0].count;
    if (rows[0].count < maxMerged - 1) return deleted;
  }
}

/**
 * Replaces all of the feed's rows about a field that the transaction deletes by one that records the deletion. Readers have to
 * see it, so the field's id is kept until the retention ends.
 */
export async function recordFieldDeletion(trx: Knex.Transaction, field: FieldId): Promise<void> {
  await lockChangeOrder(trx);
  await trx.raw(
    `INSERT INTO change_ranges (position, field_id, genesis, after_version, version, is_deletion)
     SELECT (SELECT coalesce(max(position), 0) + 1 FROM change_ranges), field_id, genesis, version, version, true
     FROM change_heads WHERE field_id = :field`,
    { field },
  );
  await trx('change_ranges').where({ field_id: field, is_deletion: false }).delete();
  await trx('change_heads').where({ field_id: field }).delete();
}
