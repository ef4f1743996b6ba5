/** Creates the rows of fields that have none yet. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { computeMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { createFieldState } from '../../shared/field/state.ts';
import { hashGenesis } from '../../shared/history/entry-hash.ts';
import type { Pseudonyms } from '../../shared/history/pseudonyms.ts';
import { encodeSnapshotColumns } from '../models/snapshot-row.ts';
import { StateRow } from '../models/state-row.ts';

/**
 * Inserts in a fixed order, so that concurrent inserts cannot deadlock. A field that was erased starts anew, but the counters that
 * its devices had used are kept under pseudonyms.
 */
export async function createFields(db: Knex, fields: readonly FieldId[], pseudonyms?: Pseudonyms): Promise<void> {
  const rows = [...fields].sort().map((field) => {
    const state = createFieldState(field);
    const genesis = randomUUID();
    const hash = hashGenesis(field, genesis);
    const hashes = { genesis, hash, logStartHash: hash, snapshotHash: hash };
    // Without the key, this field may be any of the erased ones.
    const hasErasedCounters = db.raw(
      "EXISTS (SELECT FROM erasures WHERE kind = 'field' AND subject = coalesce(?, subject))",
      [pseudonyms?.ofField(field) ?? null],
    );
    return { fieldId: field, hasErasedCounters, ...hashes, ...computeMetrics(state), ...encodeSnapshotColumns(state) };
  });
  // As a knex query: Objection expects a returned row for each inserted one, and conflicts return none.
  await StateRow.query(db).insert(rows).onConflict('field_id').ignore().toKnexQuery();
}
