/** Creates the rows of fields that have none yet. */
import type { Knex } from 'knex';
import { computeMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { createFieldState } from '../../shared/field/state.ts';
import { encodeSnapshotColumns } from '../models/snapshot-row.ts';
import { StateRow } from '../models/state-row.ts';

/** Runs outside the commit's transaction, in a fixed order, so that concurrent inserts cannot deadlock. */
export async function createFields(db: Knex, fields: readonly FieldId[]): Promise<void> {
  const rows = [...fields].sort().map((field) => {
    const state = createFieldState(field);
    return { fieldId: field, ...computeMetrics(state), ...encodeSnapshotColumns(state) };
  });
  await StateRow.query(db).insert(rows).onConflict('field_id').ignore();
}
