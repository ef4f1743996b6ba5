/** `unpublished_fields`: the fields with commits that could not be published to the cache. */
import type { Knex } from 'knex';
import { z } from 'zod';
import { fieldIdSchema } from '../../shared/contract/ids.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { Row } from './row.ts';

const unpublishedFieldSchema = z.strictObject({
  fieldId: fieldIdSchema,
  /** The newest version that was not published: 0 if it was that of a field that has been erased and created again. */
  version: z.int().min(0),
});

class UnpublishedFieldRow extends Row {
  static override readonly tableName = 'unpublished_fields';
  static override readonly idColumn = 'field_id';
  static override readonly schema = unpublishedFieldSchema;

  declare fieldId: z.infer<typeof unpublishedFieldSchema>['fieldId'];
  declare version: z.infer<typeof unpublishedFieldSchema>['version'];
}

/** Marks fields whose last commits were not published, so that maintenance publishes them. */
export async function markForRepublish(
  db: Knex,
  fields: readonly { readonly field: FieldId; readonly version: number }[],
): Promise<void> {
  if (fields.length === 0) return;
  await UnpublishedFieldRow.query(db)
    .insert(fields.map(({ field, version }) => ({ fieldId: field, version })))
    .onConflict('field_id')
    .merge({ version: db.raw('greatest(unpublished_fields.version, excluded.version)') });
}

export async function listUnpublishedFields(
  db: Knex,
  limit: number,
): Promise<{ readonly field: FieldId; readonly version: number }[]> {
  const rows = await UnpublishedFieldRow.query(db).limit(limit);
  return rows.map(({ fieldId, version }) => ({ field: fieldId, version }));
}

/** Removes the mark, unless a later version has been marked meanwhile. */
export async function unmarkPublished(db: Knex, field: FieldId, version: number): Promise<void> {
  await UnpublishedFieldRow.query(db).delete().where('field_id', field).where('version', '<=', version);
}
