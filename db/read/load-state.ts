/**
 * Reads the state of a field: a snapshot, and the fold of the log after it. Retention may purge tombstones at any time, and
 * a fold that misses a purge gives a different state, so both must be read at the same moment. Therefore every function here
 * takes a transaction that is repeatable read (`inReadTransaction`) or holds the lock on the field's row.
 */
import type { Knex } from 'knex';
import { emptyHash } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { replayUpdate } from '../../shared/field/replay.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import { decodeSnapshotColumns, SnapshotRow } from '../models/snapshot-row.ts';
import { StateRow } from '../models/state-row.ts';
import { type StoredEntry, UpdateRow } from '../models/update-row.ts';
import { readLogRows } from './pages/log-page.ts';

const logPageSize = 5000;
/** In bytes as stored, compressed, so that a page of the largest updates does not take hundreds of megabytes of memory. */
const maxPageBytes = 2 * 1024 * 1024;

/** The current state; undefined when the field has no row. */
export async function loadStoredState(trx: Knex.Transaction, field: FieldId): Promise<FieldState | undefined> {
  const row = await StateRow.query(trx).findById(field);
  if (!row) return undefined;
  const state = row.decodeSnapshot();
  for await (const entry of readLogAfter(trx, field, state.version)) replayUpdate(state, entry);
  return state;
}

/**
 * The newest archived state that is not after `version`, or the empty field when the log reaches back to version 0;
 * undefined when neither is kept.
 * @param logStart the version up to which the log has been pruned
 */
export async function loadSnapshotAtOrBefore(
  trx: Knex.Transaction,
  field: FieldId,
  version: number,
  logStart: number,
): Promise<FieldState | undefined> {
  const row = await SnapshotRow.query(trx)
    .where('field_id', field)
    .where('version', '<=', version)
    .where('version', '>=', logStart)
    .orderBy('version', 'desc')
    .first();
  if (row) return decodeSnapshotColumns(field, row, row);
  if (logStart > 0) return undefined;
  const start = await StateRow.query(trx).select('log_start_hash').findById(field);
  return Object.assign(createFieldState(field), { hash: start?.logStartHash ?? emptyHash });
}

const erasureAfterSql = `
  SELECT min(version) AS version FROM field_updates
  WHERE field_id = :field AND device_id IS NULL AND update IS NOT NULL
    AND version > :version AND (update->>'from')::bigint <= :version`;

/** Whether the state at a version contained data that was erased later, so that it can no longer be rebuilt. */
export async function isErasedAt(trx: Knex.Transaction, field: FieldId, version: number): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: [{ version: number | null }] }>(erasureAfterSql, { field, version });
  return rows[0].version !== null;
}

/** The version of the newest erasure up to `until` that the log has; undefined if there is none. */
export async function findNewestErasure(
  trx: Knex.Transaction,
  field: FieldId,
  until: number,
): Promise<number | undefined> {
  const row = await UpdateRow.query(trx)
    .max('version as version')
    .where('field_id', field)
    .where('version', '<=', until)
    .whereNull('device_id')
    .whereNotNull('update')
    .first();
  return row?.version ?? undefined;
}

/** The log entries with `after` < version ≤ `until`, in order; reads them in pages. */
export async function* readLogAfter(
  trx: Knex.Transaction,
  field: FieldId,
  after: number,
  until = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<StoredEntry> {
  let last = after;
  for (;;) {
    const range = { field, after: last, until, limit: logPageSize, maxStoredBytes: maxPageBytes };
    const { entries, isCut } = await readLogRows(trx, range);
    yield* entries;
    const newest = entries.at(-1);
    if (!newest || (entries.length < logPageSize && !isCut)) return;
    last = newest.version;
  }
}
