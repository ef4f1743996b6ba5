/** Deletes what is older than the retention: the beginning of logs, old snapshots, all but the newest conflicts. */
import type { Knex } from 'knex';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { SnapshotRow } from '../models/snapshot-row.ts';
import { StateRow } from '../models/state-row.ts';
import { UpdateRow } from '../models/update-row.ts';

const prunableSql = `
  SELECT state.field_id AS field
  FROM consciousness_states state
  JOIN field_updates oldest ON oldest.field_id = state.field_id AND oldest.version = state.log_start + 1
  WHERE oldest.logged_at <= :cutoff`;

/** The fields whose oldest log entry is not newer than `cutoff` (log time in ms). */
export async function findPrunableFields(db: Knex, cutoff: number): Promise<FieldId[]> {
  const { rows } = await db.raw<{ rows: { field: FieldId }[] }>(prunableSql, { cutoff });
  return rows.map(({ field }) => field);
}

/** The last version whose log time is not after `cutoff`, at most `limit` versions after `logStart`. */
export async function findPrunePoint(
  trx: Knex.Transaction,
  field: FieldId,
  { logStart, cutoff, limit }: { logStart: number; cutoff: number; limit: number },
): Promise<number> {
  const row = await UpdateRow.query(trx)
    .max('version as version')
    .where('field_id', field)
    .where('version', '>', logStart)
    .where('version', '<=', logStart + limit)
    .where('logged_at', '<=', cutoff)
    .first();
  return row?.version ?? logStart;
}

const keepCountersSql = `
  UPDATE vector_clocks clock SET pruned = clock.pruned + gone.counters
  FROM (
    SELECT device_id, range_agg(int8range(counter, counter, '[]')) AS counters
    FROM field_updates WHERE field_id = :field AND version > :logStart AND version <= :through GROUP BY device_id
  ) gone
  WHERE clock.field_id = :field AND clock.device_id = gone.device_id`;

/**
 * Deletes the log up to a version, which becomes the start of the log: the caller has archived a snapshot of it, or deletes the
 * whole field. The counters of the deleted entries are kept as ranges, so that an update which is sent again years later is not
 * applied again.
 */
export async function deleteLogThrough(
  trx: Knex.Transaction,
  field: FieldId,
  { logStart, through }: { logStart: number; through: number },
): Promise<void> {
  // Without the lower bound, each slice would read the entries again that earlier ones have deleted, until they are vacuumed.
  await trx.raw(keepCountersSql, { field, logStart, through });
  const last = await UpdateRow.query(trx).select('hash').findById([field, through]).throwIfNotFound();
  await UpdateRow.query(trx)
    .delete()
    .where('field_id', field)
    .where('version', '>', logStart)
    .where('version', '<=', through);
  await SnapshotRow.query(trx).delete().where('field_id', field).where('version', '<', through);
  await StateRow.query(trx).findById(field).patch({ logStart: through, logStartHash: last.hash });
}

/** Records in the log that tombstones up to `through` were purged right after `version`, the field's last one. */
export async function markTombstonesPurged(
  trx: Knex.Transaction,
  field: FieldId,
  { version, through }: { version: number; through: number },
): Promise<void> {
  await UpdateRow.query(trx).findById([field, version]).patch({ sweptThrough: through });
  await StateRow.query(trx).findById(field).patch({ sweptThrough: through });
}

const surplusConflictsSql = `
  DELETE FROM field_conflicts conflict
  USING (
    SELECT field_id, version, cell,
      row_number() OVER (PARTITION BY field_id ORDER BY version DESC, cell DESC) AS place
    FROM field_conflicts
  ) ranked
  WHERE ranked.place > :kept
    AND (conflict.field_id, conflict.version, conflict.cell) = (ranked.field_id, ranked.version, ranked.cell)`;

/** Deletes all but the newest conflicts of every field. @returns how many were deleted */
export async function pruneConflicts(db: Knex): Promise<number> {
  const { rowCount } = await db.raw<{ rowCount: number }>(surplusConflictsSql, { kept: maxKeptConflicts });
  return rowCount;
}
