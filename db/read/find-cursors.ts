/** Finds which cursors are in the stored history. Every comparison with a copy elsewhere relies on this. */
import type { Knex } from 'knex';
import { type Cursor, hashPrefixOf, versionOf } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { type Columns, listColumns, unnest } from '../unnest.ts';

export interface CursorRef {
  readonly field: FieldId;
  readonly cursor: Cursor;
}

const refColumns = { field_id: 'text', version: 'bigint', hash: 'text' } as const satisfies Columns;

const findSql = `
  SELECT ref.place::int AS place
  FROM :refs WITH ORDINALITY AS ref (${listColumns(refColumns)}, place)
  JOIN field_updates logged ON (logged.field_id, logged.version) = (ref.field_id, ref.version)
  WHERE left(logged.hash, 16) = ref.hash
  UNION ALL
  SELECT ref.place::int
  FROM :refs WITH ORDINALITY AS ref (${listColumns(refColumns)}, place)
  JOIN consciousness_states state ON (state.field_id, state.log_start) = (ref.field_id, ref.version)
  WHERE left(state.log_start_hash, 16) = ref.hash`;

/** Which of the cursors are in the logs of their fields, as far back as those are kept. */
export async function findKnownCursors<Ref extends CursorRef>(db: Knex, refs: readonly Ref[]): Promise<Set<Ref>> {
  if (refs.length === 0) return new Set();
  const rows = refs.map(({ field, cursor }) => ({
    field_id: field,
    version: versionOf(cursor),
    hash: hashPrefixOf(cursor),
  }));
  const found = await db.raw<{ rows: { place: number }[] }>(findSql, { refs: unnest(db, refColumns, rows) });
  return new Set(found.rows.flatMap(({ place }) => refs[place - 1] ?? []));
}
