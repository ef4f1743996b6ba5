/**
 * Deletes a field whose content has been erased: first its log, in batches from the start, as retention does, and then
 * everything else in one transaction. The field can be created again, with another history.
 */
import type { Knex } from 'knex';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Pseudonyms } from '../../shared/history/pseudonyms.ts';
import { recordFieldDeletion } from '../changes/prune-changes.ts';
import { lockFields } from '../write/lock-fields.ts';
import { deleteLogThrough } from '../write/log-pruning.ts';
import { findErasableClocks } from './erasable.ts';
import { keepCounters } from './keep-counters.ts';
import { subjectOfField } from './subject.ts';

const batchSize = 5000;

/** The tables with rows of the field, its own last. */
const tables = [
  'field_updates',
  'field_conflicts',
  'field_snapshots',
  'vector_clocks',
  'unpublished_fields',
  'consciousness_states',
] as const;

/** @returns how many entries of the log were deleted */
export async function deleteField(
  db: Knex,
  field: FieldId,
  pseudonyms: Pseudonyms,
  onBatch: (deleted: number) => void,
): Promise<number> {
  let entries = 0;
  for (;;) {
    const { deleted, isDone } = await db.transaction((trx) => deleteBatch(trx, field, pseudonyms));
    entries += deleted;
    onBatch(deleted);
    if (isDone) return entries;
  }
}

async function deleteBatch(trx: Knex.Transaction, field: FieldId, pseudonyms: Pseudonyms) {
  const [locked] = await lockFields(trx, [field]);
  if (!locked) return { deleted: 0, isDone: true };
  const { logStart, version } = locked;
  if (version - logStart > batchSize) {
    await deleteLogThrough(trx, field, { logStart, through: logStart + batchSize });
    return { deleted: batchSize, isDone: false };
  }
  const subject = subjectOfField(field);
  // Again, because devices may have written since the erasure was appended.
  const clocks = await findErasableClocks(trx, field, subject);
  await keepCounters(trx, field, { subject, pseudonyms, clocks, entries: [], unapplied: [] });
  await recordFieldDeletion(trx, field);
  for (const table of tables) await trx(table).where('field_id', field).delete();
  return { deleted: version - logStart, isDone: true };
}
