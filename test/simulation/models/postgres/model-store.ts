/** `FieldStore` on the model of PostgreSQL, with the semantics of the statements in `db/`. */
import { randomUUID } from 'node:crypto';
import type { FieldCommit, FieldStore, StoredField } from '../../../../db/field-store.ts';
import type { AppendResult } from '../../../../db/write/append-commits.ts';
import { maxKeptConflicts } from '../../../../shared/contract/wire.ts';
import { hashPrefixOf, versionOf } from '../../../../shared/field/cursor.ts';
import { computeMetrics } from '../../../../shared/field/dynamics/field-metrics.ts';
import type { FieldId } from '../../../../shared/field/ids.ts';
import { rulesVersion } from '../../../../shared/field/rules.ts';
import { encodeSnapshot, type FieldSnapshot } from '../../../../shared/field/snapshot.ts';
import type { FieldState } from '../../../../shared/field/state.ts';
import type { Link } from '../link.ts';
import { createFieldRow, type FieldRow, findEntry, findEntryOf, readState, type StoredEntry } from './field-row.ts';
import type { PostgresServer } from './postgres-server.ts';

const maxLogTimeAheadMs = 5000;

/** What one commit sends: a copy, since the state that it was made from goes on changing. */
interface SentCommit extends Pick<FieldCommit, 'expected' | 'entries' | 'conflicts'> {
  readonly field: FieldId;
  readonly version: number;
  readonly hash: string;
  readonly logTime: number;
  readonly lastUpdate: number;
  readonly clocks: ReadonlyMap<StoredEntry['device'], number>;
}

export interface StoreOptions {
  /** False plants a fault: a purge of tombstones, which changes the state but not the version, is not noticed. */
  readonly comparesPurges: boolean;
  /** False plants a fault: a log time is accepted whatever PostgreSQL's clock says. */
  readonly boundsLogTime: boolean;
}

export function createModelStore(server: PostgresServer, link: Link, options: StoreOptions): FieldStore {
  return {
    readTime: () => link.request(() => server.now()),
    load: (fields) => link.request(() => load(server, fields)),
    findReceipts: (refs) =>
      refs.length === 0
        ? Promise.resolve([])
        : link.request(() =>
            refs.map(({ field, device, counter }) => {
              const row = server.readRow(field);
              const entry = row && findEntryOf(row, device, counter);
              const isPruned = row?.prunedCounters.has(`${device} ${counter}`) ?? false;
              return entry ? { field, device, counter, entry, isPruned } : { field, device, counter, isPruned };
            }),
          ),
    findKnownCursors: (refs) =>
      refs.length === 0
        ? Promise.resolve(new Set())
        : link.request(() => new Set(refs.filter(({ field, cursor }) => hasCursor(server.readRow(field), cursor)))),
    append: (commits) => {
      const sent = commits.map(toSentCommit);
      return link.request(() => append(server, sent, options));
    },
    readPositions: (fields) =>
      link.request(() => new Map(fields.flatMap((field) => toPosition(server.readRow(field)) ?? []))),
    writeSnapshots: (states) =>
      writeStates({ server, link, options }, states, (row, snapshot) => ({ ...row, snapshot })),
    archiveStates: (states) =>
      writeStates({ server, link, options }, states, (row, snapshot) =>
        row.archive.has(snapshot.version)
          ? row
          : { ...row, archive: new Map(row.archive).set(snapshot.version, snapshot) },
      ),
    markForRepublish: (fields) =>
      link.request(() => {
        const unpublished = new Map(server.database.unpublished);
        for (const { field, version } of fields) unpublished.set(field, Math.max(version, unpublished.get(field) ?? 0));
        server.writeUnpublished(unpublished);
      }),
  };
}

/** Whether the log has a cursor, as far back as it is kept. */
export function hasCursor(row: FieldRow | undefined, cursor: Parameters<typeof versionOf>[0]): boolean {
  if (!row) return false;
  const version = versionOf(cursor);
  const hash = version === row.logStart ? row.logStartHash : findEntry(row, version)?.hash;
  return hash?.slice(0, 16) === hashPrefixOf(cursor);
}

function load(server: PostgresServer, fields: readonly FieldId[]): Map<FieldId, StoredField> {
  const missing = fields.filter((field) => !server.readRow(field));
  if (missing.length > 0) server.writeRows(missing.map((field) => createFieldRow(field, randomUUID())));
  return new Map(
    fields.flatMap((field) => {
      const row = server.readRow(field);
      return row ? [[field, toStoredField(row)] as const] : [];
    }),
  );
}

function toStoredField(row: FieldRow): StoredField {
  const state = readState(row);
  const isFolded =
    state.version === row.version && state.hash === row.hash && state.dynamics.sweptThrough === row.sweptThrough;
  if (!isFolded) throw new Error(`the log of ${row.field} and its row differ`);
  return {
    state,
    clock: new Map(row.clocks),
    snapshotVersion: row.snapshot.version,
    archivedVersion: Math.max(0, ...row.archive.keys()),
    hasErasedCounters: false,
  };
}

function toPosition(row: FieldRow | undefined): [FieldId, FieldCommit['expected']][] | undefined {
  if (!row) return undefined;
  const { version, hash, sweptThrough } = row;
  return [[row.field, { version, hash, sweptThrough }]];
}

function toSentCommit({ expected, state, clock, entries, conflicts }: FieldCommit): SentCommit {
  const devices = new Set(entries.map(({ device }) => device));
  return {
    field: state.field,
    expected,
    entries: [...entries],
    conflicts: [...conflicts],
    version: state.version,
    hash: state.hash,
    logTime: state.time,
    lastUpdate: computeMetrics(state).lastUpdate,
    clocks: new Map([...devices].map((device) => [device, clock.get(device) ?? 0])),
  };
}

/** One statement: it locks the rows that stand as expected and that nobody else has locked, and commits a moment later. */
async function append(
  server: PostgresServer,
  commits: readonly SentCommit[],
  options: StoreOptions,
): Promise<AppendResult> {
  const now = server.now();
  const accepted = commits.filter((commit) => {
    const row = server.readRow(commit.field);
    return row !== undefined && !server.isLocked(commit.field) && isExpected(row, commit, now, options);
  });
  const fields = accepted.map(({ field }) => field);
  await server.holdLocks(fields, server.crashes, () => {
    const rows = accepted.flatMap((commit) => {
      const row = server.readRow(commit.field);
      return row ? [appendToRow(row, commit, { committedAt: now, storedAt: server.virtualNow })] : [];
    });
    if (rows.length > 0) server.writeRows(rows);
  });
  return { now, appended: new Set(fields) };
}

function isExpected(
  row: FieldRow,
  { expected, logTime }: SentCommit,
  now: number,
  { comparesPurges, boundsLogTime }: StoreOptions,
): boolean {
  const { version, hash, sweptThrough } = expected;
  const isPurgeKnown = row.sweptThrough === sweptThrough || !comparesPurges;
  const stands = row.version === version && row.hash === hash && isPurgeKnown;
  return stands && (logTime <= Math.max(row.lastUpdate, now + maxLogTimeAheadMs) || !boundsLogTime);
}

/** @throws Error with PostgreSQL's code when a unique constraint is violated */
function appendToRow(row: FieldRow, commit: SentCommit, times: EntryTimes): FieldRow {
  for (const { device, update } of commit.entries) {
    if (findEntryOf(row, device, update.counter)) {
      throw Object.assign(new Error(`duplicate key: ${device} ${update.counter}`), { code: '23505' });
    }
  }
  return {
    ...row,
    version: commit.version,
    hash: commit.hash,
    lastUpdate: commit.lastUpdate,
    entries: [...row.entries, ...commit.entries.map((entry) => toStoredEntry(entry, times))],
    clocks: new Map([...row.clocks, ...commit.clocks]),
    conflicts: [...row.conflicts, ...commit.conflicts].slice(-maxKeptConflicts),
    conflictCount: row.conflictCount + commit.conflicts.length,
  };
}

type EntryTimes = Pick<StoredEntry, 'committedAt' | 'storedAt'>;

function toStoredEntry(entry: FieldCommit['entries'][number], times: EntryTimes): StoredEntry {
  return { ...entry, rules: rulesVersion, update: JSON.parse(JSON.stringify(entry.update)), ...times };
}

/** Fields that have moved on are left alone. */
function writeStates(
  { server, link, options }: { server: PostgresServer; link: Link; options: StoreOptions },
  states: readonly FieldState[],
  change: (row: FieldRow, snapshot: FieldSnapshot) => FieldRow,
): Promise<void> {
  if (states.length === 0) return Promise.resolve();
  const snapshots = new Map(states.map((state) => [state.field, encodeSnapshot(state)]));
  return link.request(() =>
    server.update([...snapshots.keys()].sort(), (rows) =>
      rows.flatMap((row) => {
        const snapshot = snapshots.get(row.field);
        return snapshot && standsAt(row, snapshot, options) ? [change(row, snapshot)] : [];
      }),
    ),
  );
}

function standsAt(
  row: FieldRow,
  { version, hash, dynamics }: FieldSnapshot,
  { comparesPurges }: StoreOptions,
): boolean {
  const isPurgeKnown = row.sweptThrough === dynamics.sweptThrough || !comparesPurges;
  return row.version === version && row.hash === hash && isPurgeKnown;
}
