/** Lists fields in the order of their ids, in pages. */
import type { Knex } from 'knex';
import { type Cursor, formatCursor } from '../../../shared/field/cursor.ts';
import type { FieldId } from '../../../shared/field/ids.ts';

interface FieldsRange {
  /** Exact ids, patterns such as `team-*`, or `*`. */
  readonly patterns: readonly string[];
  /** The page starts after this field. */
  readonly after?: FieldId | undefined;
  readonly limit: number;
}

interface FieldSummary {
  readonly field: FieldId;
  readonly version: number;
  readonly cursor: Cursor;
  /** In the stored snapshot, which may be some seconds older than `version`. */
  readonly particles: number;
  readonly cells: number;
  readonly devices: number;
  /** Log time in ms. */
  readonly lastUpdate: number;
}

export interface FieldsPage {
  readonly fields: FieldSummary[];
  /** The field after which the next page starts; undefined on the last page. */
  readonly next: FieldId | undefined;
}

/** The inner query picks the page, so that only its fields are counted. */
const pageSql = `
  SELECT field_id AS field, version, hash, last_update AS "lastUpdate",
    jsonb_array_length(memory_particles) AS particles, jsonb_array_length(cells) AS cells,
    (SELECT count(*) FROM vector_clocks clock WHERE clock.field_id = page.field_id) AS devices
  FROM (
    SELECT * FROM consciousness_states
    WHERE version > 0 AND field_id > :after
      AND (:isAll OR field_id = ANY(:exact::text[]) OR field_id LIKE ANY(:prefixes::text[]))
    ORDER BY field_id LIMIT :limit
  ) AS page
  ORDER BY field_id`;

/** The fields with updates that match one of the patterns. */
export async function readFieldsPage(db: Knex, { patterns, after, limit }: FieldsRange): Promise<FieldsPage> {
  const exact = patterns.filter((pattern) => !pattern.endsWith('*'));
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  const { rows } = await db.raw<{ rows: (Omit<FieldSummary, 'cursor'> & { readonly hash: string })[] }>(pageSql, {
    after: after ?? '',
    isAll: prefixes.includes(''),
    exact,
    prefixes: prefixes.map((prefix) => `${prefix.replaceAll('_', '\\_')}%`),
    // One more than the page can have, which shows whether there is a next page.
    limit: limit + 1,
  });
  const fields = rows.slice(0, limit).map(({ hash, ...row }) => ({ ...row, cursor: formatCursor(row.version, hash) }));
  return { fields, next: rows.length > limit ? fields.at(-1)?.field : undefined };
}
