/** Reads the log in pages that are bounded by bytes as well as by count. The rows beyond a page are never decompressed. */
import type { Knex } from 'knex';
import type { FieldId } from '../../../shared/field/ids.ts';
import { type StoredEntry, UpdateRow } from '../../models/update-row.ts';

interface LogRange {
  readonly field: FieldId;
  /** The page starts after this version. */
  readonly after: number;
  /** The last version that may be in it. */
  readonly until?: number;
  readonly limit: number;
  /** Of the stored updates, which may be compressed. */
  readonly maxStoredBytes: number;
  /** Of the updates as JSON. */
  readonly maxJsonBytes?: number;
}

interface LogRows {
  readonly entries: StoredEntry[];
  /** The page ended because of its bytes: there are more entries within its limit. */
  readonly isCut: boolean;
}

/**
 * The innermost query bounds the count, the next one the stored bytes, which are known without decompression, and the outermost
 * the bytes of the JSON. An entry whose content was erased has no bytes.
 */
const pageSql = `
  SELECT * FROM (
    SELECT *, sum(CASE WHEN :measuresJson THEN coalesce(octet_length(update::text), 0) ELSE 0 END) OVER (ORDER BY version) AS page_json_bytes
    FROM (
      SELECT *, row_number() OVER (ORDER BY version) AS page_place, count(*) OVER () AS page_available,
        sum(coalesce(pg_column_size(update), 0)) OVER (ORDER BY version) AS page_stored_bytes
      FROM (
        SELECT * FROM field_updates
        WHERE field_id = :field AND version > :after AND version <= :until ORDER BY version LIMIT :limit
      ) AS counted
    ) AS stored
    WHERE page_stored_bytes <= :maxStoredBytes OR page_place = 1
  ) AS measured
  WHERE page_json_bytes <= :maxJsonBytes OR page_place = 1
  ORDER BY version`;

/** At least one entry, if there is any. */
export async function readLogRows(db: Knex, range: LogRange): Promise<LogRows> {
  const { field, after, until, limit, maxStoredBytes, maxJsonBytes } = range;
  const { rows } = await db.raw<{ rows: (Record<string, unknown> & { page_available: number })[] }>(pageSql, {
    ...{ field, after, limit, maxStoredBytes },
    until: until ?? Number.MAX_SAFE_INTEGER,
    measuresJson: maxJsonBytes !== undefined,
    maxJsonBytes: maxJsonBytes ?? 0,
  });
  const entries = rows.map((row) => UpdateRow.fromDatabaseJson(row).toStoredEntry());
  return { entries, isCut: rows.length < (rows[0]?.page_available ?? 0) };
}

const costSql = `
  SELECT count(*)::int AS updates, coalesce(sum(pg_column_size(update)), 0)::float8 AS "storedBytes"
  FROM field_updates WHERE field_id = :field AND version > :after AND version <= :until`;

/** Counts and measures the entries with `after` < version ≤ `until`, without reading them. */
export async function measureLog(
  db: Knex,
  range: { readonly field: FieldId; readonly after: number; readonly until: number },
): Promise<{ readonly updates: number; readonly storedBytes: number }> {
  const { rows } = await db.raw<{ rows: [{ updates: number; storedBytes: number }] }>(costSql, range);
  return rows[0];
}
