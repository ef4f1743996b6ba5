/**
 * Reads the change feed in pages that are bounded by count and bytes. Each page is read in one transaction, with the entries that
 * retention has deleted reported as pruned, so that no change is missing between two pages.
 */
import type { Knex } from 'knex';
import { FieldError } from '../../../shared/errors.ts';
import { type ChangePlace, feedStart } from '../../../shared/exchange/change-cursor.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Update } from '../../../shared/field/update.ts';
import { type StoredEntry, UpdateRow } from '../../models/update-row.ts';
import { inReadTransaction } from '../../read-transaction.ts';

const maxPageEntries = 1000;
const maxPageBytes = 1024 * 1024;
/** Ranges of any field. A page ends there even if it has found nothing, because its fields change rarely. */
const maxPageRanges = 20_000;

export interface ChangeFilter {
  /** Exact ids, patterns such as `team-*`, or `*`. */
  readonly fields: readonly string[];
  /** Erasures, and entries whose content was erased, are of every kind. Undefined for all. */
  readonly kinds: ReadonlySet<Update['kind']> | undefined;
}

export type Change =
  | { readonly type: 'entry'; readonly field: FieldId; readonly place: ChangePlace; readonly entry: StoredEntry }
  /** Entries of the field up to this version are no longer kept. The reader may have had some of them before. */
  | { readonly type: 'pruned'; readonly field: FieldId; readonly place: ChangePlace; readonly through: number }
  /** The field was erased as a whole. If it is created again, its versions begin anew. */
  | { readonly type: 'deleted'; readonly field: FieldId; readonly place: ChangePlace };

interface ChangesPage {
  readonly changes: readonly Change[];
  /** Where the next page begins. */
  readonly next: ChangePlace;
  /** There was nothing after the page when it was read. */
  readonly isLast: boolean;
}

interface RangeColumns {
  readonly position: number;
  readonly range_id: string;
  readonly range_field: FieldId;
  readonly is_deletion: boolean;
  readonly start: number;
  readonly through: number;
  /** Null if the log of this history no longer exists. */
  readonly log_start: number | null;
  readonly range_count: number;
  readonly row_count: number;
  readonly version: number | null;
}

/** The part of the id of a `change_ranges range` that a cursor has. */
const rangeIdSql = "left(replace(range.id::text, '-', ''), 12)";

/**
 * The first query picks the next ranges, the second one those that fit into the page by the number of their entries. The state
 * of an erasure is left out. Rows beyond the bytes of a page are never decompressed.
 */
const pageSql = `
  WITH ranges AS MATERIALIZED (
    SELECT range.position, ${rangeIdSql} AS range_id, range.field_id AS range_field,
      range.is_deletion, range.version AS through, state.log_start,
      CASE WHEN range.position = :position THEN greatest(range.after_version, :version) ELSE range.after_version END AS start
    FROM change_ranges range
    LEFT JOIN consciousness_states state ON state.field_id = range.field_id AND state.genesis = range.genesis
    WHERE range.position >= :position AND range.position <= :horizon
      AND (range.position > :position OR range.version > :version)
      AND (:isAll OR range.field_id = ANY(:exact::text[]) OR range.field_id LIKE ANY(:prefixes::text[]))
    ORDER BY range.position LIMIT :limit
  ), sized AS (
    SELECT *, count(*) OVER () AS range_count, row_number() OVER (ORDER BY position) AS range_place,
      sum(greatest(0, through - greatest(start, log_start, 0))) OVER (ORDER BY position) AS entries_through
    FROM ranges
  ), chosen AS (
    SELECT * FROM sized WHERE entries_through <= :limit OR range_place = 1
  ), stored AS (
    SELECT chosen.*, entry.*, count(*) OVER () AS row_count, row_number() OVER in_order AS row_place,
      sum(coalesce(pg_column_size(entry.update), 0)) OVER in_order AS stored_bytes
    FROM chosen LEFT JOIN LATERAL (
      SELECT field_id, version, device_id, counter, logged_at, outcome, resolution, user_id, swept_through, rules, salt,
        hash, content_hash, CASE WHEN device_id IS NULL THEN update - 'state' ELSE update END AS update
      FROM field_updates
      WHERE field_id = chosen.range_field AND version > chosen.start AND version <= chosen.through
        AND chosen.log_start IS NOT NULL AND NOT chosen.is_deletion
      ORDER BY version LIMIT :limit
    ) AS entry ON true
    WINDOW in_order AS (ORDER BY chosen.position, entry.version)
  ), measured AS (
    SELECT *, sum(coalesce(octet_length(update::text), 0)) OVER (ORDER BY row_place) AS json_bytes
    FROM stored WHERE stored_bytes <= :maxBytes OR row_place = 1
  )
  SELECT * FROM measured WHERE json_bytes <= :maxBytes OR row_place = 1 ORDER BY row_place`;

const endSql = `
  SELECT position, ${rangeIdSql} AS "rangeId", version
  FROM change_ranges range ORDER BY position DESC LIMIT 1`;

const horizonSql = `
  SELECT position, ${rangeIdSql} AS "rangeId", version
  FROM change_ranges range WHERE position > :position ORDER BY position OFFSET :skipped LIMIT 1`;

/** What reading the change feed needs of PostgreSQL. */
export interface ChangeFeedReader {
  /** @throws FieldError `cursor_unknown` if the feed does not have the place, since a restore or a failover lost it */
  assertKnown(place: ChangePlace): Promise<void>;
  /** The place after everything that the feed has. */
  readEnd(): Promise<ChangePlace>;
  /** @throws FieldError `cursor_unknown` */
  readPage(after: ChangePlace, filter: ChangeFilter): Promise<ChangesPage>;
}

export function createChangeFeedReader(db: Knex): ChangeFeedReader {
  return {
    assertKnown: (place) => inReadTransaction(db, async (trx) => assertKnown(trx, place, await readEnd(trx))),
    readEnd: async () => (await readEnd(db)) ?? feedStart,
    readPage: (after, filter) => readChanges(db, after, filter),
  };
}

async function readChanges(db: Knex, after: ChangePlace, filter: ChangeFilter): Promise<ChangesPage> {
  const { fields } = filter;
  const bindings = {
    position: after.position,
    version: after.version,
    isAll: fields.includes('*'),
    exact: fields.filter((pattern) => !pattern.endsWith('*')),
    prefixes: fields.filter((pattern) => pattern.endsWith('*')).map(toLikePattern),
    limit: maxPageEntries,
    maxBytes: maxPageBytes,
  };
  return inReadTransaction(db, async (trx) => {
    const end = await readEnd(trx);
    await assertKnown(trx, after, end);
    const { rows: places } = await trx.raw<{ rows: ChangePlace[] }>(horizonSql, {
      ...bindings,
      skipped: maxPageRanges,
    });
    const horizon = places[0] ?? end ?? after;
    const { rows } = await trx.raw<{ rows: RangeColumns[] }>(pageSql, { ...bindings, horizon: horizon.position });
    return toPage(rows, { filter, horizon, isAtEnd: places.length === 0 });
  });
}

async function readEnd(db: Knex): Promise<ChangePlace | undefined> {
  const { rows } = await db.raw<{ rows: ChangePlace[] }>(endSql);
  return rows[0];
}

/** A pruned range cannot be compared, so its position only has to be below the end of the feed. */
async function assertKnown(db: Knex, { position, rangeId }: ChangePlace, end: ChangePlace | undefined): Promise<void> {
  if (position === 0) return;
  const { rows } = await db.raw<{ rows: { rangeId: string }[] }>(
    `SELECT ${rangeIdSql} AS "rangeId" FROM change_ranges range WHERE position = :position`,
    { position },
  );
  const [range] = rows;
  const isKnown = range ? range.rangeId === rangeId : end !== undefined && position < end.position;
  if (!isKnown) throw new FieldError('cursor_unknown');
}

interface PageContext {
  readonly filter: ChangeFilter;
  /** The place up to which the feed was searched. */
  readonly horizon: ChangePlace;
  /** Whether the feed had nothing after it. */
  readonly isAtEnd: boolean;
}

function toPage(rows: readonly RangeColumns[], { filter, horizon, isAtEnd }: PageContext): ChangesPage {
  const changes: Change[] = [];
  let previous: RangeColumns | undefined;
  for (const row of rows) {
    if (row.position !== previous?.position) changes.push(...describeRange(row));
    if (row.version !== null) {
      const entry = UpdateRow.fromDatabaseJson({ ...row }).toStoredEntry();
      if (isWanted(entry, filter)) {
        changes.push({ type: 'entry', field: row.range_field, place: placeIn(row, entry.version), entry });
      }
    }
    previous = row;
  }
  if (!previous) return { changes, next: horizon, isLast: isAtEnd };
  const { version, through, row_count: rowCount, range_count: rangeCount } = previous;
  const next = placeIn(previous, version ?? through);
  const isCut = rows.length < rowCount || next.version < through;
  const chosen = new Set(rows.map(({ position }) => position)).size;
  const isExhausted = !isCut && chosen === rangeCount && rangeCount < maxPageEntries;
  // Up to the horizon, only other fields have changes, which this reader does not follow.
  return { changes, next: isExhausted ? horizon : next, isLast: isExhausted && isAtEnd };
}

/** The changes that precede the entries of a range: a deletion, or pruned entries. */
function describeRange(row: RangeColumns): Change[] {
  const { range_field: field, is_deletion: isDeletion, log_start: logStart, start, through } = row;
  if (isDeletion) return [{ type: 'deleted', field, place: placeIn(row, through) }];
  const prunedThrough = Math.min(logStart ?? through, through);
  if (prunedThrough <= start) return [];
  return [{ type: 'pruned', field, place: placeIn(row, prunedThrough), through: prunedThrough }];
}

function placeIn({ position, range_id: rangeId }: RangeColumns, version: number): ChangePlace {
  return { position, rangeId, version };
}

function isWanted(entry: StoredEntry, { kinds }: ChangeFilter): boolean {
  return kinds === undefined || !('update' in entry) || kinds.has(entry.update.kind);
}

/** `_` is a wildcard of LIKE. */
function toLikePattern(pattern: string): string {
  return `${pattern.slice(0, -1).replaceAll('_', '\\_')}%`;
}
