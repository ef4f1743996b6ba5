/** Writes snapshots of fields: into the field's own row, and into the archive. */
import type { Knex } from 'knex';
import type { FieldId } from '../../shared/field/ids.ts';
import type { FieldState } from '../../shared/field/state.ts';
import { encodeSnapshotColumns, SnapshotRow } from '../models/snapshot-row.ts';
import { StateRow } from '../models/state-row.ts';
import { type Columns, type ColumnValues, listColumns, unnest } from '../unnest.ts';

/**
 * A state is archived after this many bytes of updates, or after twice the bytes of a snapshot that is larger than half of this.
 * Bounds the cost of `?at=`, which folds the log after an archived snapshot.
 */
export const archiveAfterBytes = 8 * 1024 * 1024;

const snapshotColumns = {
  field_id: 'text',
  snapshot_version: 'bigint',
  snapshot_hash: 'text',
  snapshot_time: 'bigint',
  memory_particles: 'jsonb',
  quantum_fields: 'jsonb',
  cells: 'jsonb',
  dynamics: 'jsonb',
} as const satisfies Columns;

const columnNames = Object.keys(snapshotColumns);
const assignments = columnNames.filter((name) => name !== 'field_id').map((name) => `${name} = new.${name}`);

/** Whether the row of a field is still exactly at the snapshot: a purge changes the state, but not the version. */
const standsAtSnapshot = `
  state.field_id = new.field_id
  AND (state.version, state.hash) = (new.snapshot_version, new.snapshot_hash)
  AND state.swept_through = (new.dynamics->>'sweptThrough')::bigint`;

const snapshotsSql = `
  UPDATE consciousness_states state
  SET ${assignments.join(', ')}
  FROM :snapshots AS new (${listColumns(snapshotColumns)})
  WHERE ${standsAtSnapshot}`;

/** Replaces the snapshots in the rows of the fields that are still at these states. */
export async function writeSnapshots(db: Knex, states: readonly FieldState[]): Promise<void> {
  if (states.length === 0) return;
  await db.raw(snapshotsSql, { snapshots: unnest(db, snapshotColumns, states.map(toColumns)) });
}

/** Fields whose snapshot is older than their newest update, which was `before` that log time in ms. */
export async function findOldSnapshots(
  db: Knex,
  { before, limit }: { before: number; limit: number },
): Promise<FieldId[]> {
  const rows = await StateRow.query(db)
    .select('field_id')
    .whereColumn('snapshot_version', '<', 'version')
    .where('last_update', '<', before)
    .limit(limit);
  return rows.map(({ fieldId }) => fieldId);
}

const archiveSql = `
  INSERT INTO field_snapshots (field_id, version, hash, time, memory_particles, quantum_fields, cells, dynamics)
  SELECT new.* FROM :snapshots AS new (${listColumns(snapshotColumns)})
  JOIN consciousness_states state ON ${standsAtSnapshot}
  FOR NO KEY UPDATE OF state
  ON CONFLICT (field_id, version) DO NOTHING`;

/** Archives the states of the fields that are still at them. */
export async function archiveCurrentStates(db: Knex, states: readonly FieldState[]): Promise<void> {
  if (states.length === 0) return;
  await db.raw(archiveSql, { snapshots: unnest(db, snapshotColumns, states.map(toColumns)) });
}

function toColumns(state: FieldState): ColumnValues<typeof snapshotColumns> {
  const { memoryParticles, quantumFields, cells, dynamics } = encodeSnapshotColumns(state);
  return {
    field_id: state.field,
    snapshot_version: state.version,
    snapshot_hash: state.hash,
    snapshot_time: state.time,
    memory_particles: memoryParticles,
    quantum_fields: quantumFields,
    cells,
    dynamics,
  };
}

/**
 * Archives a state of the field's log, at any version: `?at=` starts from it, and a pruned log continues it. The caller
 * holds the lock of the field's row.
 */
export async function archiveSnapshot(trx: Knex.Transaction, state: FieldState): Promise<void> {
  const { field: fieldId, version, hash, time } = state;
  await SnapshotRow.query(trx)
    .insert({ fieldId, version, hash, time, ...encodeSnapshotColumns(state) })
    .onConflict(['field_id', 'version'])
    .merge();
}
