/** Reads the kept conflicts of a field in pages, the newest first, bounded by count and by bytes. */
import type { Knex } from 'knex';
import { maxKeptConflicts } from '../../../shared/contract/wire.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Conflict } from '../../../shared/field/registers/conflict-record.ts';
import { ConflictRow } from '../../models/conflict-row.ts';
import { readStateHeader } from '../field-state.ts';

/** The place of a conflict in the order of conflicts. */
interface ConflictPlace {
  readonly version: number;
  readonly cell: string;
}

export interface ConflictRange {
  /** The page starts after this conflict; with the newest one unless given. */
  readonly before?: ConflictPlace | undefined;
  readonly limit?: number;
}

export interface ConflictsPage {
  /** How many conflicts there have ever been. */
  readonly total: number;
  readonly conflicts: Conflict[];
  /** The conflict after which the next page starts; undefined on the last page. */
  readonly next: ConflictPlace | undefined;
}

/** The values of both writes of one conflict have at most 80 KB. */
const maxPageBytes = 1024 * 1024;

const pageSql = `
  SELECT * FROM (
    SELECT *, row_number() OVER newest AS page_place, count(*) OVER () AS page_available,
      sum(octet_length(local::text) + octet_length(remote::text)) OVER newest AS page_bytes
    FROM (
      SELECT * FROM field_conflicts
      WHERE field_id = :field AND (:version::bigint IS NULL OR (version, cell) < (:version, :cell))
      ORDER BY version DESC, cell DESC LIMIT :limit
    ) AS counted
    WINDOW newest AS (ORDER BY version DESC, cell DESC)
  ) AS measured
  WHERE page_place <= :kept AND (page_bytes <= :maxPageBytes OR page_place = 1)
  ORDER BY version DESC, cell DESC`;

/** Undefined when the field does not exist. */
export async function readConflictsPage(
  trx: Knex.Transaction,
  field: FieldId,
  { before, limit = maxKeptConflicts }: ConflictRange,
): Promise<ConflictsPage | undefined> {
  const header = await readStateHeader(trx, field);
  if (!header) return undefined;
  const { rows } = await trx.raw<{ rows: (Record<string, unknown> & { page_available: number })[] }>(pageSql, {
    ...{ field, maxPageBytes, kept: limit },
    version: before?.version ?? null,
    cell: before?.cell ?? null,
    // One more than the page can have, which shows whether there is a next page.
    limit: limit + 1,
  });
  const found = rows.map((row) => ConflictRow.fromDatabaseJson(row));
  const last = found.at(-1);
  const hasMore = rows.length < (rows[0]?.page_available ?? 0);
  return {
    total: header.conflictCount,
    conflicts: found.map((row) => row.toConflict()),
    next: hasMore && last ? { version: last.version, cell: last.cell } : undefined,
  };
}
