/**
 * Reads a whole log for an export, in pages of separate queries, so that neither memory nor a transaction grows with it. An
 * export ends at the version that the field had at its start. If entries were erased since, it continues to the erasure, which has
 * the state that is left: without it, the log could not be folded.
 */
import type { Knex } from 'knex';
import { FieldError } from '../../../shared/errors.ts';
import type { ClockLine, LogHeader } from '../../../shared/exchange/log-lines.ts';
import { logFormat } from '../../../shared/exchange/log-lines.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { encodeSnapshot, type FieldSnapshot } from '../../../shared/field/snapshot.ts';
import { StateRow } from '../../models/state-row.ts';
import type { StoredEntry } from '../../models/update-row.ts';
import { inReadTransaction } from '../../read-transaction.ts';
import { loadSnapshotAtOrBefore } from '../load-state.ts';
import { readLogRows } from '../pages/log-page.ts';

const maxPageEntries = 1000;
const maxPageBytes = 1024 * 1024;
const clocksPerPage = 5000;

interface LogStart {
  readonly header: LogHeader;
  /** The state at which the log begins; undefined if it begins with the field. */
  readonly snapshot: FieldSnapshot | undefined;
}

/** @throws FieldError `field_not_found` if there are no updates */
export async function readLogStart(db: Knex, field: FieldId): Promise<LogStart> {
  return inReadTransaction(db, async (trx) => {
    const row = await StateRow.query(trx).findById(field);
    if (!row || row.version === 0) throw new FieldError('field_not_found');
    const { genesis, version, hash, logStart: oldest, logStartHash: oldestHash, conflictCount: conflicts } = row;
    const header = { format: logFormat, field, genesis, version, hash, oldest, oldestHash, conflicts } as const;
    if (oldest === 0) return { header, snapshot: undefined };
    const state = await loadSnapshotAtOrBefore(trx, field, oldest, oldest);
    if (!state) throw new RangeError(`the log of ${field} begins at a snapshot that is missing`);
    return { header, snapshot: encodeSnapshot(state) };
  });
}

const clocksSql = `
  SELECT device_id AS clock, heard_at AS "heardAt",
    (SELECT json_agg(json_build_array(lower(range), upper(range) - 1)) FROM unnest(pruned) AS range) AS used
  FROM vector_clocks
  WHERE field_id = :field AND device_id > :after AND NOT isempty(pruned)
  ORDER BY device_id LIMIT ${clocksPerPage}`;

/** The counters of the entries that the log no longer has. */
export async function* readUsedCounters(db: Knex, field: FieldId): AsyncGenerator<ClockLine> {
  for (let after = ''; ; ) {
    const { rows } = await db.raw<{ rows: ClockLine[] }>(clocksSql, { field, after });
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < clocksPerPage) return;
    after = last.clock;
  }
}

export interface ExportRange {
  readonly field: FieldId;
  /** The export starts after this version. */
  readonly after: number;
  /** The version of the field when the export began. */
  readonly until: number;
}

export interface ExportPage {
  readonly entries: readonly StoredEntry[];
  /** The version at which the export will end. */
  readonly until: number;
}

/** @throws FieldError `version_not_kept` if retention deletes what has not been read yet */
export async function* readExportPages(db: Knex, { field, after, until }: ExportRange): AsyncGenerator<ExportPage> {
  const position = { after, until };
  while (position.after < position.until) {
    const page = await inReadTransaction(db, async (trx) => {
      const bytes = { maxStoredBytes: maxPageBytes, maxJsonBytes: maxPageBytes };
      const { entries } = await readLogRows(trx, { field, ...position, limit: maxPageEntries, ...bytes });
      const row = await StateRow.query(trx).findById(field).select('version', 'log_start');
      return { entries, row };
    });
    const [first] = page.entries;
    if (!page.row) throw new FieldError('field_not_found');
    if (!first || first.version !== position.after + 1) throw new FieldError('version_not_kept');
    if (page.entries.some((entry) => 'contentHash' in entry)) position.until = page.row.version;
    position.after = page.entries.at(-1)?.version ?? position.after;
    yield { entries: page.entries, until: position.until };
  }
}
