/**
 * The fields that this worker holds in memory, so that a hot one is not read again for every commit. A copy is only
 * used under the field's row lock, when the log that is stored leads on from it, and after it has folded in what other
 * workers have logged. It is dropped whenever a transaction that touched it may not have committed.
 */
import type { Knex } from 'knex';
import { LRUCache } from 'lru-cache';
import { raw } from 'objection';
import { readLogAfter, stateOfColumns } from '../../db/read/load-state.ts';
import { ClockRow, SnapshotRow, StateRow } from '../../db/rows.ts';
import type { LockedField } from '../../db/write/field-writer.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { replayUpdate } from '../../shared/field/replay.ts';
import type { FieldState } from '../../shared/field/state.ts';
import { Holds } from './reorder-window.ts';

export interface LiveField {
  readonly state: FieldState;
  /** The highest counter of each device. */
  readonly clock: Map<DeviceId, number>;
  readonly holds: Holds;
  /** The version that the field's own snapshot stands at, and when it was written (ms, this process's clock). */
  snapshotVersion: number;
  snapshotAt: number;
  /** The version of the newest snapshot that is kept for good. */
  keptVersion: number;
}

/** All that a worker holds of fields, by estimate. */
const maxBytes = 256 * 1024 * 1024;

export class LiveFields {
  readonly #fields: LRUCache<FieldId, LiveField>;

  constructor(max = 1000) {
    this.#fields = new LRUCache({ max, maxSize: maxBytes, sizeCalculation: sizeOf });
  }

  has(field: FieldId): boolean {
    return this.#fields.has(field);
  }

  /** The fields as they are under the locks that `trx` holds, in the same order. */
  async catchUp(trx: Knex.Transaction, locked: readonly LockedField[]): Promise<LiveField[]> {
    const known = new Map(locked.flatMap((one) => this.#trusted(one)));
    const unknown = locked.map(({ field }) => field).filter((field) => !known.has(field));
    const loaded = unknown.length > 0 ? await loadLiveFields(trx, unknown) : new Map<FieldId, LiveField>();
    const fields: LiveField[] = [];
    for (const one of locked) {
      const live = known.get(one.field) ?? loaded.get(one.field);
      if (!live) throw new Error(`the locked field ${one.field} has no row`);
      await foldMissing(trx, live, one);
      this.#fields.set(one.field, live);
      fields.push(live);
    }
    return fields;
  }

  /** The copy in memory, if the stored log leads on from it; a field without one is loaded from PostgreSQL. */
  #trusted(locked: LockedField): [FieldId, LiveField][] {
    const live = this.#fields.get(locked.field);
    return live && isContinuedBy(live.state, locked) ? [[locked.field, live]] : [];
  }

  forget(fields: Iterable<FieldId>): void {
    for (const field of fields) this.#fields.delete(field);
  }
}

/**
 * Whether folding the rows after a copy's version gives the state that is stored. It does not if the copy is ahead (what
 * it folded was never committed), if rows in between have been pruned, or if tombstones were purged since. A purge is
 * noted on the last row of its time, which a copy at that version does not read again, and purging later instead is
 * not the same: a write that is older than a tombstone loses before the purge and is applied after it.
 */
function isContinuedBy(state: FieldState, { version, logStart, sweptThrough }: LockedField): boolean {
  return state.version <= version && state.version >= logStart && state.dynamics.sweptThrough === sweptThrough;
}

/** Folds in what other workers have logged since. */
async function foldMissing(trx: Knex.Transaction, { state, clock }: LiveField, locked: LockedField): Promise<void> {
  if (state.version < locked.version) {
    for await (const entry of readLogAfter(trx, state.field, state.version)) {
      replayUpdate(state, entry);
      clock.set(entry.device, Math.max(clock.get(entry.device) ?? 0, entry.update.counter));
    }
  }
  if (state.version !== locked.version) {
    throw new Error(`the log of ${state.field} leads to version ${state.version}, and its row says ${locked.version}`);
  }
  if (state.dynamics.sweptThrough !== locked.sweptThrough) {
    const { sweptThrough } = state.dynamics;
    throw new Error(`${state.field} is purged through ${sweptThrough}, and its row says ${locked.sweptThrough}`);
  }
}

/** Reads fields from their snapshots, three queries for all of them. Their logs' tails are yet to be folded in. */
async function loadLiveFields(trx: Knex.Transaction, fields: readonly FieldId[]): Promise<Map<FieldId, LiveField>> {
  const rows = await StateRow.query(trx).whereIn('field_id', [...fields]);
  const clocks = await ClockRow.query(trx)
    .select('field_id', 'device_id', 'counter')
    .whereIn('field_id', [...fields]);
  const kept = await SnapshotRow.query(trx)
    .select('field_id', raw('max(version)').as('version'))
    .whereIn('field_id', [...fields])
    .groupBy('field_id');
  const live = new Map(rows.map((row) => [row.fieldId, toLiveField(row)]));
  for (const { fieldId, deviceId, counter } of clocks) live.get(fieldId)?.clock.set(deviceId, counter);
  for (const { fieldId, version } of kept) {
    const field = live.get(fieldId);
    if (field) field.keptVersion = version;
  }
  return live;
}

function toLiveField(row: StateRow): LiveField {
  return {
    state: stateOfColumns(row.fieldId, row.snapshotVersion, row.snapshotTime, row),
    clock: new Map(),
    holds: new Holds(),
    snapshotVersion: row.snapshotVersion,
    snapshotAt: Date.now(),
    keptVersion: 0,
  };
}

/** In bytes, roughly: what has stamps for each of its attributes weighs most. */
function sizeOf({ state, clock }: LiveField): number {
  const particles = state.particles.size + state.removed.size;
  return 2000 + 2000 * particles + 200 * state.cells.size + 100 * clock.size;
}
