/** A field as the model of PostgreSQL stores it. Rows are immutable, so that an earlier copy of the database is one of references. */
import type { LogEntry } from '../../../../db/models/update-row.ts';
import { computeMetrics } from '../../../../shared/field/dynamics/field-metrics.ts';
import { purgeTombstones } from '../../../../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../../../../shared/field/ids.ts';
import type { Conflict } from '../../../../shared/field/registers/conflict-record.ts';
import { replayUpdate } from '../../../../shared/field/replay.ts';
import { decodeSnapshot, encodeSnapshot, type FieldSnapshot } from '../../../../shared/field/snapshot.ts';
import { createFieldState, type FieldState } from '../../../../shared/field/state.ts';
import { hashGenesis } from '../../../../shared/history/entry-hash.ts';

export type StoredEntry = LogEntry & {
  /** PostgreSQL's clock when it was appended, which the checker compares with its log time. */
  readonly committedAt: number;
  /** The same in virtual time. */
  readonly storedAt: number;
};

export interface FieldRow {
  readonly field: FieldId;
  readonly genesisHash: string;
  readonly version: number;
  readonly hash: string;
  readonly lastUpdate: number;
  /** The log up to here is deleted as far as the system is concerned. */
  readonly logStart: number;
  readonly logStartHash: string;
  readonly sweptThrough: number;
  readonly snapshot: FieldSnapshot;
  readonly archive: ReadonlyMap<number, FieldSnapshot>;
  /** All entries ever, that of version v at v - 1: the checker reads also those that retention has deleted. */
  readonly entries: readonly StoredEntry[];
  readonly clocks: ReadonlyMap<DeviceId, number>;
  /** The counters of deleted entries, as `device counter`. */
  readonly prunedCounters: ReadonlySet<string>;
  readonly conflicts: readonly Conflict[];
  readonly conflictCount: number;
}

export function createFieldRow(field: FieldId, genesis: string): FieldRow {
  const state = createFieldState(field);
  const genesisHash = hashGenesis(field, genesis);
  return {
    field,
    genesisHash,
    version: 0,
    hash: genesisHash,
    lastUpdate: computeMetrics(state).lastUpdate,
    logStart: 0,
    logStartHash: genesisHash,
    sweptThrough: 0,
    snapshot: { ...encodeSnapshot(state), hash: genesisHash },
    archive: new Map(),
    entries: [],
    clocks: new Map(),
    prunedCounters: new Set(),
    conflicts: [],
    conflictCount: 0,
  };
}

/** The entry of a version that retention has not deleted. */
export function findEntry(row: FieldRow, version: number): StoredEntry | undefined {
  return version > row.logStart ? row.entries[version - 1] : undefined;
}

/** The entry under a device's counter that retention has not deleted. */
export function findEntryOf(row: FieldRow, device: DeviceId, counter: number): StoredEntry | undefined {
  for (let version = row.version; version > row.logStart; version--) {
    const entry = row.entries[version - 1];
    if (entry?.device === device && entry.update.counter === counter) return entry;
  }
  return undefined;
}

/** The current state: the snapshot, and the log after it. */
export function readState(row: FieldRow): FieldState {
  const state = decodeSnapshot(row.field, row.snapshot);
  for (const entry of row.entries.slice(state.version)) replayUpdate(state, entry);
  return state;
}

/** @returns undefined when neither the log nor a snapshot reaches back that far */
export function readStateAt(row: FieldRow, version: number): FieldState | undefined {
  const versions = [...row.archive.keys()].filter((archived) => archived <= version && archived >= row.logStart);
  const base = row.archive.get(Math.max(...versions));
  if (!base && row.logStart > 0) return undefined;
  const state = base
    ? decodeSnapshot(row.field, base)
    : Object.assign(createFieldState(row.field), { hash: row.logStartHash });
  for (const entry of row.entries.slice(state.version, version)) replayUpdate(state, entry);
  return state;
}

/** What retention does to a locked field: archives the state that the log then begins at, purges tombstones, deletes. */
export function pruneRow(row: FieldRow, through: number): FieldRow {
  const base = readStateAt(row, through);
  const last = row.entries[through - 1];
  if (!base || !last) throw new Error(`the log of ${row.field} begins at a snapshot that is missing`);
  const archive = new Map([...row.archive].filter(([version]) => version >= through));
  archive.set(base.version, encodeSnapshot(base));
  const state = readState(row);
  purgeTombstones(state, through);
  const snapshot = encodeSnapshot(state);
  archive.set(state.version, snapshot);
  const deleted = row.entries.slice(row.logStart, through);
  return {
    ...row,
    archive,
    snapshot,
    sweptThrough: through,
    logStart: through,
    logStartHash: last.hash,
    entries: row.entries.map((entry) => (entry.version === row.version ? { ...entry, sweptThrough: through } : entry)),
    prunedCounters: new Set([
      ...row.prunedCounters,
      ...deleted.map(({ device, update }) => `${device} ${update.counter}`),
    ]),
  };
}
