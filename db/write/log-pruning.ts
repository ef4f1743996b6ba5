/** Forgetting what lies behind the retention: the log's tail, old snapshots, all but the newest conflicts. */
import type { Knex } from 'knex';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import type { FieldId } from '../../shared/field/ids.ts';

/** The fields whose log reaches further back than `cutoff` (log time in ms). */
export async function findPrunableFields(db: Knex, cutoff: number): Promise<FieldId[]> {
  const { rows }: { rows: { field: FieldId }[] } = await db.raw(
    `SELECT state.field_id AS field
     FROM consciousness_states state
     JOIN field_updates oldest ON oldest.field_id = state.field_id AND oldest.version = state.log_start + 1
     WHERE oldest.logged_at <= ?`,
    [cutoff],
  );
  return rows.map(({ field }) => field);
}

/** The last version whose log time is not after `cutoff`; looks no further than `limit` versions past `logStart`. */
export async function findPrunePoint(
  trx: Knex.Transaction,
  field: FieldId,
  { logStart, cutoff, limit }: { logStart: number; cutoff: number; limit: number },
): Promise<number> {
  const { rows }: { rows: { version: number | null }[] } = await trx.raw(
    `SELECT max(version) AS version FROM field_updates
     WHERE field_id = ? AND version > ? AND version <= ? AND logged_at <= ?`,
    [field, logStart, logStart + limit, cutoff],
  );
  return rows[0]?.version ?? logStart;
}

/**
 * Deletes the log up to a version that a kept snapshot stands at. The counters of what goes are kept as ranges, so that
 * an update sent again after years is still a duplicate.
 */
export async function deleteLogThrough(trx: Knex.Transaction, field: FieldId, through: number): Promise<void> {
  await trx.raw(
    `UPDATE vector_clocks clock SET pruned = clock.pruned + gone.counters
     FROM (
       SELECT device_id, range_agg(int8range(counter, counter, '[]')) AS counters
       FROM field_updates WHERE field_id = ? AND version <= ? GROUP BY device_id
     ) gone
     WHERE clock.field_id = ? AND clock.device_id = gone.device_id`,
    [field, through, field],
  );
  await trx('field_updates').where('field_id', field).where('version', '<=', through).delete();
  await trx('field_snapshots').where('field_id', field).where('version', '<', through).delete();
  await trx('consciousness_states').where('field_id', field).update({ log_start: through });
}

/** Marks the field's last version as the one after which removed particles up to `through` were forgotten. */
export async function markTombstonesPurged(
  trx: Knex.Transaction,
  field: FieldId,
  { version, through }: { version: number; through: number },
): Promise<void> {
  await trx('field_updates').where({ field_id: field, version }).update({ swept_through: through });
  await trx('consciousness_states').where('field_id', field).update({ swept_through: through });
}

/** Keeps the newest conflicts of every field. */
export async function pruneConflicts(db: Knex): Promise<number> {
  const { rowCount }: { rowCount: number } = await db.raw(
    `DELETE FROM field_conflicts conflict
     USING (
       SELECT field_id, version, cell,
         row_number() OVER (PARTITION BY field_id ORDER BY version DESC, cell DESC) AS place
       FROM field_conflicts
     ) ranked
     WHERE ranked.place > ?
       AND (conflict.field_id, conflict.version, conflict.cell) = (ranked.field_id, ranked.version, ranked.cell)`,
    [maxKeptConflicts],
  );
  return rowCount;
}
