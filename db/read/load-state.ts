/**
 * Reading a field back: a snapshot, and the fold of the log that follows it. Both must be of one moment, since retention
 * may purge tombstones in between, and a fold that misses a purge gives another state. So every function here takes a
 * transaction that is repeatable read (`inSnapshot`) or holds the lock on the field's row.
 */
import type { Knex } from 'knex';
import type { Outcome } from '../../shared/contract/receipt.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Resolution } from '../../shared/field/registers/conflict-record.ts';
import { type LoggedUpdate, replayUpdate } from '../../shared/field/replay.ts';
import { decodeSnapshot, encodeSnapshot } from '../../shared/field/snapshot.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import { type SnapshotColumns, SnapshotRow, StateRow, UpdateRow } from '../rows.ts';

/** An update as the log keeps it. */
export interface LogEntry extends LoggedUpdate {
  readonly outcome: Outcome;
  readonly resolution?: Resolution;
}

const logPageSize = 5000;

/** The state as it is now; undefined when there is no such field. */
export async function loadStoredState(trx: Knex.Transaction, field: FieldId): Promise<FieldState | undefined> {
  const row = await StateRow.query(trx).findById(field);
  if (!row) return undefined;
  const state = decodeStateRow(field, row.snapshotVersion, row.snapshotTime, row);
  for await (const entry of readLogAfter(trx, field, state.version)) replayUpdate(state, entry);
  return state;
}

/**
 * The newest kept state that is not after `version`: a snapshot, or the empty field when the log reaches back to its
 * start; undefined when that far back is no longer kept.
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
  if (row) return decodeStateRow(field, row.version, row.time, row);
  return logStart === 0 ? createFieldState(field) : undefined;
}

/** The log after a version, in order, a page at a time. */
export async function* readLogAfter(
  trx: Knex.Transaction,
  field: FieldId,
  after: number,
  until = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<LogEntry> {
  let last = after;
  for (;;) {
    const rows = await UpdateRow.query(trx)
      .where('field_id', field)
      .where('version', '>', last)
      .where('version', '<=', until)
      .orderBy('version')
      .limit(logPageSize);
    for (const row of rows) yield toLogEntry(row);
    const newest = rows.at(-1);
    if (!newest || rows.length < logPageSize) return;
    last = newest.version;
  }
}

export function toLogEntry(row: UpdateRow): LogEntry {
  const { version, deviceId, loggedAt, outcome, resolution, update, sweptThrough } = row;
  return {
    version,
    device: deviceId,
    time: loggedAt,
    outcome,
    ...(resolution ? { resolution } : {}),
    update,
    ...(sweptThrough === null ? {} : { sweptThrough }),
  };
}

export function decodeStateRow(field: FieldId, version: number, time: number, columns: SnapshotColumns): FieldState {
  const { memoryParticles: particles, cells, quantumFields, dynamics } = columns;
  return decodeSnapshot(field, { version, time, particles, cells, quantumFields, dynamics });
}

/** A snapshot as the texts of its four JSON columns. */
export function encodeStateColumns(state: FieldState) {
  const { particles, quantumFields, cells, dynamics } = encodeSnapshot(state);
  return {
    memory_particles: JSON.stringify(particles),
    quantum_fields: JSON.stringify(quantumFields),
    cells: JSON.stringify(cells),
    dynamics: JSON.stringify(dynamics),
  };
}
