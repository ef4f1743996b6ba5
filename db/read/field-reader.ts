/** All that the API reads from the database. It never writes. */
import type { Knex } from 'knex';
import type { Receipt, UpdateResult } from '../../shared/contract/receipt.ts';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import { cursorOf, type FieldState } from '../../shared/field/state.ts';
import { ClockRow } from '../models/clock-row.ts';
import { ConflictRow } from '../models/conflict-row.ts';
import { readInstallationId } from '../models/installation.ts';
import { type LogEntry, UpdateRow } from '../models/update-row.ts';
import { inReadTransaction } from '../read-transaction.ts';
import { loadState, loadStateAt, readStateHeader } from './field-state.ts';
import { findKnownCursors } from './find-cursors.ts';
import { readReceipt, readResults, type SentUpdates } from './receipts/update-results.ts';

interface LogPage {
  /** The field's version. */
  readonly version: number;
  /** The log up to and including this version has been pruned. */
  readonly oldest: number;
  readonly updates: LogEntry[];
}

interface ConflictsPage {
  /** How many conflicts there have ever been. */
  readonly total: number;
  /** The newest first, as many as are kept. */
  readonly conflicts: Conflict[];
}

interface ClockPage {
  readonly version: number;
  readonly cursor: Cursor;
  /** The highest counter by device. */
  readonly clock: Record<string, number>;
}

/** Reads of a field resolve with undefined when it does not exist. */
export interface FieldReader {
  /** The id of this database, part of the names of its cached copies. */
  readInstallation(): Promise<string>;
  ping(): Promise<void>;
  loadState(field: FieldId): Promise<FieldState | undefined>;
  /** The state at a version. @throws FieldError `field_not_found`, `version_not_kept` or `version_ahead` */
  loadStateAt(field: FieldId, version: number): Promise<FieldState>;
  /** Where the field stands. */
  readCursor(field: FieldId): Promise<Cursor | undefined>;
  /** Whether the log has a cursor, as far back as it is kept. All histories have the empty state. */
  hasCursor(field: FieldId, cursor: Cursor): Promise<boolean>;
  /** Up to `limit` log entries after a version. */
  readLog(field: FieldId, after: number, limit: number): Promise<LogPage | undefined>;
  readReceipt(field: FieldId, device: DeviceId, counter: number): Promise<Receipt>;
  /** The results of updates that were sent at `sentAt`; undefined while any of them is unknown. */
  readResults(sent: SentUpdates): Promise<{ version: number; cursor: Cursor; results: UpdateResult[] } | undefined>;
  readConflicts(field: FieldId): Promise<ConflictsPage | undefined>;
  /** The highest counter of every device, or of one. */
  readClock(field: FieldId, device?: DeviceId): Promise<ClockPage | undefined>;
  /** The device's highest counter in the field; 0 when it has never written there. */
  readLastCounter(field: FieldId, device: DeviceId): Promise<number>;
}

export function createFieldReader(db: Knex): FieldReader {
  return {
    readInstallation: () => readInstallationId(db),
    ping: async () => void (await db.raw('SELECT 1')),
    loadState: (field) => loadState(db, field),
    loadStateAt: (field, version) => loadStateAt(db, field, version),
    readCursor: async (field) => {
      const header = await readStateHeader(db, field);
      return header && cursorOf(header);
    },
    hasCursor: async (field, cursor) =>
      versionOf(cursor) === 0 || (await findKnownCursors(db, [{ field, cursor }])).size > 0,
    readLog: (field, after, limit) => readLogPage(db, field, { after, limit }),
    readReceipt: (field, device, counter) => readReceipt(db, { field, device, counter }),
    readResults: (sent) => readResults(db, sent),
    readConflicts: (field) => inReadTransaction(db, (trx) => readConflicts(trx, field)),
    readClock: (field, device) => inReadTransaction(db, (trx) => readClock(trx, field, device)),
    readLastCounter: async (field, device) => (await ClockRow.query(db).findById([field, device]))?.counter ?? 0,
  };
}

async function readLogPage(
  db: Knex,
  field: FieldId,
  { after, limit }: { after: number; limit: number },
): Promise<LogPage | undefined> {
  const rows = await UpdateRow.query(db)
    .where('field_id', field)
    .where('version', '>', after)
    .orderBy('version')
    .limit(limit);
  // Read after the rows, so that a pruning between the two queries shows in `oldest` instead of leaving an unmarked gap.
  const header = await readStateHeader(db, field);
  return header && { version: header.version, oldest: header.logStart, updates: rows.map((row) => row.toLogEntry()) };
}

async function readConflicts(trx: Knex.Transaction, field: FieldId): Promise<ConflictsPage | undefined> {
  const header = await readStateHeader(trx, field);
  if (!header) return undefined;
  const rows = await ConflictRow.query(trx)
    .where('field_id', field)
    .orderBy([
      { column: 'version', order: 'desc' },
      { column: 'cell', order: 'desc' },
    ])
    .limit(maxKeptConflicts);
  return { total: header.conflictCount, conflicts: rows.map((row) => row.toConflict()) };
}

async function readClock(trx: Knex.Transaction, field: FieldId, device?: DeviceId): Promise<ClockPage | undefined> {
  const header = await readStateHeader(trx, field);
  if (!header) return undefined;
  const rows = await ClockRow.query(trx)
    .select('device_id', 'counter')
    .where({ field_id: field, ...(device === undefined ? {} : { device_id: device }) })
    .orderBy('device_id');
  return {
    version: header.version,
    cursor: cursorOf(header),
    clock: Object.fromEntries(rows.map((row) => [row.deviceId, row.counter])),
  };
}
