/** Reads of one field, and of the installation, for the API and the commands. */
import type { Knex } from 'knex';
import type { Receipt, UpdateResult } from '../../shared/contract/messages.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { cursorOf, type FieldState } from '../../shared/field/state.ts';
import type { Pseudonyms } from '../../shared/history/pseudonyms.ts';
import { readInstallationId } from '../models/installation.ts';
import type { StoredEntry } from '../models/update-row.ts';
import { inReadTransaction } from '../read-transaction.ts';
import { loadState, loadStateAt, type PastStateOptions, readStateHeader } from './field-state.ts';
import { findKnownCursors } from './find-cursors.ts';
import { type ClockPage, type ClockRange, readClockPage, readLastCounter } from './pages/clock-page.ts';
import { type ConflictRange, type ConflictsPage, readConflictsPage } from './pages/conflicts-page.ts';
import { readLogRows } from './pages/log-page.ts';
import { readReceipt, readResults, type SentUpdates } from './receipts/update-results.ts';

/** A page of the log ends before it exceeds this; the reader continues from its last version. */
export const maxPageBytes = 1024 * 1024;

export interface LogPage {
  /** The field's version. */
  readonly version: number;
  /** The log up to and including this version has been pruned. */
  readonly logStart: number;
  readonly updates: StoredEntry[];
  /** The page ended because of its bytes, before its limit. */
  readonly isCut: boolean;
}

/** Reads of a field resolve with undefined when it does not exist. */
export interface FieldReader {
  /** The id of this database, part of the names of its cached copies. */
  readInstallation(): Promise<string>;
  ping(): Promise<void>;
  loadState(field: FieldId): Promise<FieldState | undefined>;
  /** The state at a version. @throws FieldError `field_not_found`, `version_not_kept`, `version_ahead` or `erased` */
  loadStateAt(field: FieldId, version: number, options?: PastStateOptions): Promise<FieldState>;
  /** The field's current cursor. */
  readCursor(field: FieldId): Promise<Cursor | undefined>;
  /** Whether the log has a cursor, as far back as it is kept. The empty state is in every history. */
  hasCursor(field: FieldId, cursor: Cursor): Promise<boolean>;
  /** Up to `limit` log entries after a version, or as many as fit into a page. */
  readLog(field: FieldId, after: number, limit: number): Promise<LogPage | undefined>;
  readReceipt(field: FieldId, device: DeviceId, counter: number): Promise<Receipt>;
  /** The results of updates that were sent at `sentAt`; undefined while any of them is unknown. */
  readResults(sent: SentUpdates): Promise<{ version: number; cursor: Cursor; results: UpdateResult[] } | undefined>;
  readConflicts(field: FieldId, range?: ConflictRange): Promise<ConflictsPage | undefined>;
  /** The highest counters of the devices, or of one. */
  readClock(field: FieldId, range?: ClockRange): Promise<ClockPage | undefined>;
  /** The device's highest counter in the field; 0 when it has never written there. */
  readLastCounter(field: FieldId, device: DeviceId): Promise<number>;
}

/** @param pseudonyms recognise erased devices; undefined where they are not looked up */
export function createFieldReader(db: Knex, pseudonyms?: Pseudonyms): FieldReader {
  return {
    readInstallation: () => readInstallationId(db),
    ping: async () => void (await db.raw('SELECT 1')),
    loadState: (field) => loadState(db, field),
    loadStateAt: (field, version, options) => loadStateAt(db, field, version, options),
    readCursor: async (field) => {
      const header = await readStateHeader(db, field);
      return header && cursorOf(header);
    },
    hasCursor: async (field, cursor) =>
      versionOf(cursor) === 0 || (await findKnownCursors(db, [{ field, cursor }])).size > 0,
    readLog: (field, after, limit) => readLogPage(db, field, { after, limit }),
    readReceipt: (field, device, counter) => readReceipt(db, { field, device, counter }, pseudonyms),
    // In one transaction, because a failover between the queries would mix two histories.
    readResults: (sent) => inReadTransaction(db, (trx) => readResults(trx, sent, pseudonyms)),
    readConflicts: (field, range = {}) => inReadTransaction(db, (trx) => readConflictsPage(trx, field, range)),
    readClock: (field, range = {}) => inReadTransaction(db, (trx) => readClockPage(trx, field, range, pseudonyms)),
    readLastCounter: (field, device) => readLastCounter(db, field, device, pseudonyms),
  };
}

async function readLogPage(
  db: Knex,
  field: FieldId,
  { after, limit }: { after: number; limit: number },
): Promise<LogPage | undefined> {
  const bytes = { maxStoredBytes: maxPageBytes, maxJsonBytes: maxPageBytes };
  const { entries, isCut } = await readLogRows(db, { field, after, limit, ...bytes });
  // Read after the rows, so that a pruning between the two queries shows in `logStart` instead of leaving an unmarked gap.
  const header = await readStateHeader(db, field);
  return header && { version: header.version, logStart: header.logStart, updates: entries, isCut };
}
