/** `FieldReader` on the model of PostgreSQL, with the semantics of the queries in `db/read/`. */
import type { FieldReader } from '../../../../db/read/field-reader.ts';
import type { Receipt, UpdateResult } from '../../../../shared/contract/messages.ts';
import { FieldError } from '../../../../shared/errors.ts';
import { formatCursor, versionOf } from '../../../../shared/field/cursor.ts';
import { type FieldId, globalField } from '../../../../shared/field/ids.ts';
import { createFieldState, cursorOf } from '../../../../shared/field/state.ts';
import type { SentUpdate } from '../../../../shared/field/update.ts';
import { isSamePayload } from '../../../../shared/updates/same-payload.ts';
import type { Link } from '../link.ts';
import { type FieldRow, findEntryOf, readState, readStateAt, type StoredEntry } from './field-row.ts';
import { hasCursor } from './model-store.ts';
import type { PostgresServer } from './postgres-server.ts';

export function createModelReader(server: PostgresServer, link: Link): FieldReader {
  /** `global` always exists; any other field exists once an update has been applied to it. */
  const readExisting = (field: FieldId): FieldRow | undefined => {
    const row = server.readRow(field);
    return row && (row.version > 0 || field === globalField) ? row : undefined;
  };
  const withRow = <Answer>(field: FieldId, read: (row: FieldRow) => Answer) =>
    link.request(() => {
      const row = readExisting(field);
      return row && read(row);
    });
  return {
    readInstallation: () => link.request(() => server.database.installation),
    ping: () => link.request(() => undefined),
    loadState: (field) =>
      link.request(() => {
        const row = readExisting(field);
        if (row) return readState(row);
        return field === globalField ? createFieldState(field) : undefined;
      }),
    loadStateAt: (field, version) =>
      link.request(() => {
        const row = readExisting(field);
        if (!row) throw new FieldError('field_not_found');
        if (version > row.version) throw new FieldError('version_ahead');
        const state = version < row.logStart ? undefined : readStateAt(row, version);
        if (!state) throw new FieldError('version_not_kept');
        return state;
      }),
    readCursor: (field) => withRow(field, cursorOf),
    hasCursor: (field, cursor) =>
      versionOf(cursor) === 0 ? Promise.resolve(true) : link.request(() => hasCursor(server.readRow(field), cursor)),
    readLog: (field, after, limit) =>
      withRow(field, ({ version, logStart, entries }) => ({
        version,
        logStart,
        updates: entries.slice(Math.max(after, logStart), Math.max(after, logStart) + limit),
        isCut: false,
      })),
    readReceipt: (field, device, counter) =>
      link.request((): Receipt => {
        const row = server.readRow(field);
        const entry = row && findEntryOf(row, device, counter);
        const isPruned = row?.prunedCounters.has(`${device} ${counter}`) ?? false;
        if (!entry) return { field, device, counter, status: isPruned ? 'applied' : 'unknown' };
        return { field, device, counter, status: 'applied', ...toResult(entry) };
      }),
    readResults: ({ field, device, updates, sentAt }) =>
      withRow(field, (row) => {
        const position = { version: row.version, cursor: cursorOf(row) };
        const results = updates.flatMap((update): UpdateResult[] => {
          const entry = findEntryOf(row, device, update.counter);
          if (entry) return [toUpdateResult(update, entry, sentAt)];
          if (!row.prunedCounters.has(`${device} ${update.counter}`)) return [];
          return [{ counter: update.counter, outcome: 'expired', ...position }];
        });
        return results.length === updates.length ? { ...position, results } : undefined;
      }),
    readConflicts: (field) =>
      withRow(field, ({ conflicts, conflictCount }) => ({
        total: conflictCount,
        conflicts: [...conflicts].reverse(),
        next: undefined,
      })),
    readClock: (field, { device } = {}) =>
      withRow(field, (row) => ({
        version: row.version,
        cursor: cursorOf(row),
        clock: Object.fromEntries([...row.clocks].filter(([id]) => device === undefined || id === device)),
        next: undefined,
      })),
    readLastCounter: (field, device) => link.request(() => server.readRow(field)?.clocks.get(device) ?? 0),
  };
}

function toResult({ version, hash, outcome, resolution }: StoredEntry) {
  return { version, cursor: formatCursor(version, hash), outcome, ...(resolution ? { resolution } : {}) };
}

function toUpdateResult(sent: SentUpdate, entry: StoredEntry, sentAt: number): UpdateResult {
  const { counter } = sent;
  const { version, hash, time, update } = entry;
  const cursor = formatCursor(version, hash);
  if (!isSamePayload(update, sent)) return { counter, outcome: 'reused', version, cursor };
  if (time < sentAt) return { counter, outcome: 'duplicate', version, cursor };
  return { counter, ...toResult(entry) };
}
