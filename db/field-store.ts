/** The part of PostgreSQL that the commit path uses, as a narrow interface: the simulation implements it in memory. */
import type { Knex } from 'knex';
import { raw } from 'objection';
import type { DeviceId, FieldId } from '../shared/field/ids.ts';
import { replayUpdate } from '../shared/field/replay.ts';
import type { FieldState } from '../shared/field/state.ts';
import type { Pseudonyms } from '../shared/history/pseudonyms.ts';
import { SnapshotRow } from './models/snapshot-row.ts';
import { StateRow } from './models/state-row.ts';
import { markForRepublish } from './models/unpublished-field.ts';
import { type CursorRef, findKnownCursors } from './read/find-cursors.ts';
import { readLogAfter } from './read/load-state.ts';
import { type FoundReceipt, findReceipts, type UpdateRef } from './read/receipts/find-receipts.ts';
import { readServerTime } from './read/server-time.ts';
import { inReadTransaction } from './read-transaction.ts';
import { type AppendResult, appendCommits, type FieldCommit } from './write/append-commits.ts';
import { createFields } from './write/create-fields.ts';
import { archiveCurrentStates, writeSnapshots } from './write/write-snapshots.ts';

/** A field as it is stored at one moment. */
export interface StoredField {
  readonly state: FieldState;
  /** The highest counter of each device. */
  readonly clock: Map<DeviceId, number>;
  /** The version of the snapshot in the field's row. */
  readonly snapshotVersion: number;
  /** The version of the newest archived snapshot; 0 for none. */
  readonly archivedVersion: number;
  /** Whether devices were erased in this field. Their updates may arrive again although the clock does not have them. */
  readonly hasErasedCounters: boolean;
}

/** Every method throws what the database throws. */
export interface FieldStore {
  /** PostgreSQL's clock, in ms. */
  readTime(): Promise<number>;
  /** Creates the fields that do not exist, and reads as many as fit into memory together; at least one. */
  load(fields: readonly FieldId[]): Promise<Map<FieldId, StoredField>>;
  /** Finds updates that may have been applied before in the log, in the order of `refs`. */
  findReceipts(refs: readonly UpdateRef[]): Promise<FoundReceipt[]>;
  /** Which of the cursors are in the log. */
  findKnownCursors<Ref extends CursorRef>(refs: readonly Ref[]): Promise<Set<Ref>>;
  /** Appends to the fields that are still at the expected states. */
  append(commits: readonly FieldCommit[]): Promise<AppendResult>;
  /** The current positions of the fields. */
  readPositions(fields: readonly FieldId[]): Promise<Map<FieldId, FieldCommit['expected']>>;
  /** Stores states as the fields' snapshots; fields that have moved on are skipped. */
  writeSnapshots(states: readonly FieldState[]): Promise<void>;
  /** Archives states; fields that have moved on are skipped. */
  archiveStates(states: readonly FieldState[]): Promise<void>;
  markForRepublish(fields: readonly { readonly field: FieldId; readonly version: number }[]): Promise<void>;
}

export type { FieldCommit, FoundReceipt };

export interface FieldStoreOptions {
  /** False behind a pooler that assigns connections per transaction. */
  readonly usesPreparedStatements: boolean;
  /** Recognise erased devices; undefined in an installation that cannot erase anything. */
  readonly pseudonyms?: Pseudonyms | undefined;
}

export function createFieldStore(db: Knex, { usesPreparedStatements, pseudonyms }: FieldStoreOptions): FieldStore {
  return {
    readTime: () => readServerTime(db),
    async load(fields) {
      await createFields(db, fields, pseudonyms);
      const loaded = await inReadTransaction(db, (trx) => loadFields(trx, fields));
      if (!pseudonyms) assertNothingErased(loaded);
      return loaded;
    },
    findReceipts: (refs) => findReceipts(db, refs, pseudonyms),
    findKnownCursors: (refs) => findKnownCursors(db, refs),
    append: (commits) => appendCommits(db, commits, { usesPreparedStatement: usesPreparedStatements }),
    readPositions: (fields) => readPositions(db, fields),
    writeSnapshots: (states) => writeSnapshots(db, states),
    archiveStates: (states) => archiveCurrentStates(db, states),
    markForRepublish: (fields) => markForRepublish(db, fields),
  };
}

/** Transient, so that the updates wait for a worker that has the key. */
class ErasureKeyMissingError extends Error {
  readonly code = '55000';
  constructor(field: FieldId) {
    super(`ERASURE_KEY is missing: devices were erased in ${field}, which only a worker with the key recognises`);
  }
}

function assertNothingErased(fields: ReadonlyMap<FieldId, StoredField>): void {
  for (const [field, { hasErasedCounters }] of fields) if (hasErasedCounters) throw new ErasureKeyMissingError(field);
}

async function readPositions(db: Knex, fields: readonly FieldId[]): Promise<Map<FieldId, FieldCommit['expected']>> {
  const rows = await StateRow.query(db)
    .select('field_id', 'version', 'hash', 'swept_through')
    .findByIds([...fields]);
  return new Map(rows.map(({ fieldId, version, hash, sweptThrough }) => [fieldId, { version, hash, sweptThrough }]));
}

/**
 * In bytes as PostgreSQL stores them, compressed. Ordinary states take ten times as much in memory, adversarial text up to a
 * hundred times.
 */
export const maxLoadedBytes = 1024 * 1024;

const firstFieldsSql = `
  SELECT field_id FROM (
    SELECT field_id, bytes, sum(bytes) OVER (ORDER BY field_id) AS through FROM (
      SELECT field_id, pg_column_size(memory_particles) + pg_column_size(cells) + pg_column_size(dynamics) AS bytes
      FROM consciousness_states WHERE field_id = ANY (:fields)
    ) AS sizes
  ) AS sums
  WHERE through - bytes < :maxLoadedBytes`;

/** Reads as many fields as fit, with three queries for all of them, and the log after each snapshot. */
async function loadFields(trx: Knex.Transaction, fields: readonly FieldId[]): Promise<Map<FieldId, StoredField>> {
  const rows = await StateRow.query(trx)
    .whereRaw(`field_id IN (${firstFieldsSql})`, { fields: [...fields], maxLoadedBytes })
    .withGraphFetched('clocks')
    .modifyGraph('clocks', (clocks) => clocks.select('field_id', 'device_id', 'counter'));
  const archived = await SnapshotRow.query(trx)
    .select('field_id', raw('max(version)').as('version'))
    .whereIn(
      'field_id',
      rows.map(({ fieldId }) => fieldId),
    )
    .groupBy('field_id');
  const archivedVersions = new Map(archived.map(({ fieldId, version }) => [fieldId, version]));
  const loaded = new Map<FieldId, StoredField>();
  for (const row of rows) {
    const state = row.decodeSnapshot();
    if (row.snapshotVersion < row.version) {
      for await (const entry of readLogAfter(trx, row.fieldId, row.snapshotVersion)) replayUpdate(state, entry);
    }
    assertFolded(state, row);
    loaded.set(row.fieldId, {
      state,
      clock: new Map(row.clocks?.map(({ deviceId, counter }) => [deviceId, counter])),
      snapshotVersion: row.snapshotVersion,
      archivedVersion: archivedVersions.get(row.fieldId) ?? 0,
      hasErasedCounters: row.hasErasedCounters,
    });
  }
  return loaded;
}

/** @throws Error when the log and the field's row differ */
function assertFolded(state: FieldState, { fieldId, version, hash, sweptThrough }: StateRow): void {
  if (state.version !== version || state.hash !== hash) {
    throw new Error(`the log of ${fieldId} ends at version ${state.version}, but its row is at ${version}`);
  }
  if (state.dynamics.sweptThrough !== sweptThrough) {
    throw new Error(`${fieldId} is purged through ${state.dynamics.sweptThrough}, but its row through ${sweptThrough}`);
  }
}
