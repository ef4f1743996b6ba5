/** Deletes what the change feed no longer needs: ranges whose entries retention has deleted, and old deletions of fields. */
import type { Knex } from 'knex';
import type { FieldId } from '../../shared/field/ids.ts';
import { inChangeOrder, lockChangeOrder } from './change-order.ts';

/** The last row stays, since the next position is one above it. */
const isLastSql = 'position = (SELECT max(position) FROM change_ranges)';

/**
 * The last one of a field's ranges without entries stays and takes over the others' versions, so that every reader is told that
 * entries were pruned.
 */
const mergeSql = `
  WITH pruned AS (
    SELECT range.position,
      max(range.position) OVER of_field AS last, min(range.after_version) OVER of_field AS after_version
    FROM change_ranges range
    JOIN consciousness_states state ON state.field_id = range.field_id AND state.genesis = range.genesis
    WHERE NOT range.is_deletion AND range.version <= state.log_start
    WINDOW of_field AS (PARTITION BY range.field_id)
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
  return inChangeOrder(db, async (trx) => {
    const { rows } = await trx.raw<{ rows: [{ count: number }] }>(mergeSql);
    const { rowCount } = await trx.raw<{ rowCount: number }>(
      `DELETE FROM change_ranges
       WHERE is_deletion AND added_at < clock_timestamp() - make_interval(secs => :seconds) AND NOT ${isLastSql}`,
      { seconds: retentionDays * 86_400 },
    );
    return rows[0].count + rowCount;
  });
}

/**
 * Replaces everything that the feed has of a field, which the transaction deletes, by the fact that it was deleted. Readers
 * have to learn of it, so the id of the field remains until the retention ends.
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
