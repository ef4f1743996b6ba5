/**
 * Adds new commits to the change feed, independently of the commits themselves: the versions of a field have no gaps, so the feed
 * only needs the range of versions since its last entry. Ranges get their positions under a lock that is held until they are
 * visible, so a reader that has seen a position has seen all lower ones.
 */
import type { Knex } from 'knex';
import type { FieldId } from '../../shared/field/ids.ts';
import { inChangeOrder } from './change-order.ts';

/** A field that was deleted and created again has another genesis, and its versions restart. */
const sequenceSql = `
  WITH moved AS (
    SELECT state.field_id, state.genesis, state.version, coalesce(head.version, 0) AS after_version
    FROM consciousness_states state
    LEFT JOIN change_heads head ON head.field_id = state.field_id AND head.genesis = state.genesis
    WHERE (:isAll OR state.field_id = ANY(:fields::text[])) AND state.version > coalesce(head.version, 0)
  ), ranges AS (
    INSERT INTO change_ranges (position, field_id, genesis, after_version, version)
    SELECT (SELECT coalesce(max(position), 0) FROM change_ranges) + row_number() OVER (ORDER BY field_id),
      field_id, genesis, after_version, version
    FROM moved
    RETURNING position
  ), heads AS (
    INSERT INTO change_heads (field_id, genesis, version) SELECT field_id, genesis, version FROM moved
    ON CONFLICT (field_id) DO UPDATE SET genesis = excluded.genesis, version = excluded.version
  )
  SELECT count(*)::int AS count FROM ranges`;

/**
 * @param fields undefined for all fields
 * @returns how many of them had new entries
 */
export async function sequenceChanges(db: Knex, fields?: readonly FieldId[]): Promise<number> {
  return inChangeOrder(db, async (trx) => {
    const bindings = { isAll: fields === undefined, fields: [...(fields ?? [])] };
    const { rows } = await trx.raw<{ rows: [{ count: number }] }>(sequenceSql, bindings);
    return rows[0].count;
  });
}
