/** The read-only door to the database: all that the API may ask of it. */
import type { Knex } from 'knex';
import type { Receipt, UpdateResult } from '../../shared/contract/receipt.ts';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import { FieldError } from '../../shared/errors.ts';
import { type DeviceId, type FieldId, globalField } from '../../shared/field/ids.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import { replayUpdate } from '../../shared/field/replay.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import type { Update } from '../../shared/field/update.ts';
import { isSamePayload } from '../../shared/updates/same-payload.ts';
import { inReadTransaction } from '../read-transaction.ts';
import { ClockRow, ConflictRow, InstallationRow, StateRow, UpdateRow } from '../rows.ts';
import { type LogEntry, loadSnapshotAtOrBefore, loadStoredState, readLogAfter, toLogEntry } from './load-state.ts';
import { type FoundReceipt, findReceipts } from './receipts.ts';

interface LogPage {
  /** The field's version. */
  readonly version: number;
  /** The log up to here has been pruned. */
  readonly oldest: number;
  readonly updates: LogEntry[];
}

export interface FieldReader {
  /** The id of this database, part of the names of its cached copies. */
  readInstallation(): Promise<string>;
  ping(): Promise<void>;
  /** The state as of now; undefined when there is no such field. */
  loadState(field: FieldId): Promise<FieldState | undefined>;
  /** The state as it was. @throws FieldError `field_not_found`, `version_not_kept` or `version_ahead` */
  loadStateAt(field: FieldId, version: number): Promise<FieldState>;
  /** Up to `limit` updates after a version. */
  readLog(field: FieldId, after: number, limit: number): Promise<LogPage | undefined>;
  readReceipt(field: FieldId, device: DeviceId, counter: number): Promise<Receipt>;
  /** What became of updates that were sent at `sentAt` (ms); undefined while any of them is unknown. */
  readResults(sent: SentUpdates): Promise<{ version: number; results: UpdateResult[] } | undefined>;
  /** The newest first, and how many there have been. */
  readConflicts(field: FieldId): Promise<{ total: number; conflicts: Conflict[] } | undefined>;
  /** The highest counter of every device, or of one. */
  readClock(field: FieldId, device?: DeviceId): Promise<{ version: number; clock: Record<string, number> } | undefined>;
  /** The device's highest counter in the field; 0 when it has never written there. */
  readLastCounter(field: FieldId, device: DeviceId): Promise<number>;
}

export function createFieldReader(db: Knex): FieldReader {
  return {
    async readReceipt(field, device, counter) {
      const [found] = await findReceipts(db, [{ field, device, counter }]);
      const base = { field, device, counter };
      if (!found?.row) return { ...base, status: found?.pruned ? 'applied' : 'unknown' };
      const { version, outcome, resolution } = found.row;
      return { ...base, status: 'applied', version, outcome, ...(resolution ? { resolution } : {}) };
    },
    async readResults(sent) {
      const { field, device, updates } = sent;
      const found = await findReceipts(
        db,
        updates.map(({ counter }) => ({ field, device, counter })),
      );
      if (found.some(({ row, pruned }) => !row && !pruned)) return undefined;
      const version = Math.max(0, ...found.map(({ row }) => row?.version ?? 0));
      return { version, results: found.map(({ row }, index) => toUpdateResult(sent, index, row)) };
    },
    readInstallation: async () => (await InstallationRow.query(db).first().throwIfNotFound()).id,
    ping: async () => void (await db.raw('SELECT 1')),
    loadState: async (field) => ifFieldExists(field, await inReadTransaction(db, (trx) => loadStoredState(trx, field))),
    loadStateAt: (field, version) =>
      inReadTransaction(db, async (trx) => {
        const header = await readStateHeader(trx, field);
        if (!header) throw new FieldError('field_not_found');
        if (version > header.version)
          throw new FieldError('version_ahead', { detail: `The field is at version ${header.version}` });
        const state = await loadSnapshotAtOrBefore(trx, field, version, header.logStart);
        if (!state) throw new FieldError('version_not_kept', { detail: `Kept from version ${header.logStart} on` });
        for await (const entry of readLogAfter(trx, field, state.version, version)) replayUpdate(state, entry);
        return state;
      }),
    async readLog(field, after, limit) {
      const rows = await UpdateRow.query(db)
        .where('field_id', field)
        .where('version', '>', after)
        .orderBy('version')
        .limit(limit);
      // Read after the rows: what is pruned between the two makes a page that says so, not one with a hole.
      const header = await readStateHeader(db, field);
      return header && { version: header.version, oldest: header.logStart, updates: rows.map(toLogEntry) };
    },
    readConflicts: (field) =>
      inReadTransaction(db, async (trx) => {
        const header = await readStateHeader(trx, field);
        if (!header) return undefined;
        const rows = await ConflictRow.query(trx)
          .where('field_id', field)
          .orderBy([
            { column: 'version', order: 'desc' },
            { column: 'cell', order: 'desc' },
          ])
          .limit(maxKeptConflicts);
        return { total: header.conflictCount, conflicts: rows.map(toConflict) };
      }),
    readClock: (field, device) =>
      inReadTransaction(db, async (trx) => {
        const header = await readStateHeader(trx, field);
        if (!header) return undefined;
        const rows = await ClockRow.query(trx)
          .select('device_id', 'counter')
          .where({ field_id: field, ...(device === undefined ? {} : { device_id: device }) })
          .orderBy('device_id');
        return { version: header.version, clock: Object.fromEntries(rows.map((row) => [row.deviceId, row.counter])) };
      }),
    async readLastCounter(field, device) {
      const row = await ClockRow.query(db).findById([field, device]);
      return row?.counter ?? 0;
    },
  };
}

export interface SentUpdates {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly updates: readonly Update[];
  readonly sentAt: number;
}

/** As the worker would have answered: what stands in the log may be of an earlier sending, or another update. */
function toUpdateResult({ updates, sentAt }: SentUpdates, index: number, row: FoundReceipt['row']): UpdateResult {
  const update = updates[index];
  const counter = update?.counter ?? 0;
  if (!row) return { counter, outcome: 'duplicate', version: 0 };
  const { version, outcome, resolution, time } = row;
  if (update && !isSamePayload(row.update, update)) return { counter, outcome: 'reused', version };
  if (time < sentAt) return { counter, outcome: 'duplicate', version };
  return { counter, outcome, version, ...(resolution ? { resolution } : {}) };
}

interface StateHeader {
  readonly version: number;
  readonly logStart: number;
  readonly conflictCount: number;
}

async function readStateHeader(db: Knex, field: FieldId): Promise<StateHeader | undefined> {
  const row = await StateRow.query(db).select('version', 'log_start', 'conflict_count').findById(field);
  if (row && (row.version > 0 || field === globalField)) return row;
  return field === globalField ? { version: 0, logStart: 0, conflictCount: 0 } : undefined;
}

/** `global` always exists; any other field does once an update has been applied to it. */
function ifFieldExists(field: FieldId, state: FieldState | undefined): FieldState | undefined {
  if (field === globalField) return state ?? createFieldState(field);
  return state && state.version > 0 ? state : undefined;
}

/** Local and remote as clients see them: jsonb does not keep the order of keys. */
function toConflict({ cell, local, remote, resolution, version, time }: ConflictRow): Conflict {
  const toConflictingWrite = ({ device, counter, timestamp, value }: Conflict['local']) => ({
    device,
    counter,
    timestamp,
    value,
  });
  return { cell, local: toConflictingWrite(local), remote: toConflictingWrite(remote), resolution, version, time };
}
