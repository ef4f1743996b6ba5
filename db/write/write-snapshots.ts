/** Writes snapshots of fields: into the field's own row, and into the archive. */
import type { Knex } from 'knex';
import type { FieldState } from '../../shared/field/state.ts';
import { encodeSnapshotColumns, SnapshotRow } from '../models/snapshot-row.ts';
import { type Columns, type ColumnValues, listColumns, unnest } from '../unnest.ts';

const snapshotColumns = {
  field_id: 'text',
  snapshot_version: 'bigint',
  snapshot_time: 'bigint',
  memory_particles: 'jsonb',
  quantum_fields: 'jsonb',
  cells: 'jsonb',
  dynamics: 'jsonb',
} as const satisfies Columns;

const assignments = Object.keys(snapshotColumns)
  .filter((name) => name !== 'field_id')
  .map((name) => `${name} = new.${name}`);

const snapshotsSql = `
  UPDATE consciousness_states state
  SET ${assignments.join(', ')}
  FROM :snapshots AS new (${listColumns(snapshotColumns)})
  WHERE state.field_id = new.field_id`;

/** Replaces the snapshots in the fields' own rows; the caller holds the rows' locks. */
export async function writeSnapshots(trx: Knex.Transaction, states: readonly FieldState[]): Promise<void> {
  if (states.length === 0) return;
  await trx.raw(snapshotsSql, { snapshots: unnest(trx, snapshotColumns, states.map(toColumns)) });
}

function toColumns(state: FieldState): ColumnValues<typeof snapshotColumns> {
  const { memoryParticles, quantumFields, cells, dynamics } = encodeSnapshotColumns(state);
  return {
    field_id: state.field,
    snapshot_version: state.version,
    snapshot_time: state.time,
    memory_particles: memoryParticles,
    quantum_fields: quantumFields,
    cells,
    dynamics,
  };
}

/** Archives a snapshot: `?at=` starts from it, and a pruned log continues it. */
export async function archiveSnapshot(trx: Knex.Transaction, state: FieldState): Promise<void> {
  await SnapshotRow.query(trx)
    .insert({ fieldId: state.field, version: state.version, time: state.time, ...encodeSnapshotColumns(state) })
    .onConflict(['field_id', 'version'])
    .merge();
}
