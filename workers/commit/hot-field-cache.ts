/**
 * The fields that this worker holds in memory, so that a hot one is not read again for every commit. A copy is only
 * used under the field's row lock, when the log that is stored leads on from it, and after it has folded in what other
 * workers have logged. It is dropped whenever a transaction that touched it may not have committed.
 */
import type { Knex } from 'knex';
import { LRUCache } from 'lru-cache';
import { raw } from 'objection';
import { decodeStateRow, readLogAfter } from '../../db/read/load-state.ts';
import { ClockRow, SnapshotRow, StateRow } from '../../db/rows.ts';
import type { LockedField } from '../../db/write/field-writer.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { replayUpdate } from '../../shared/field/replay.ts';
import type { FieldState } from '../../shared/field/state.ts';
import { ReorderWindow } from './reorder-window.ts';

export interface HotField {
  readonly state: FieldState;
  /** The highest counter of each device. */
  readonly clock: Map<DeviceId, number>;
  readonly reorderWindow: ReorderWindow;
  /** The version that the field's own snapshot stands at, and when it was written (ms, this process's clock). */
  snapshotVersion: number;
  snapshotAt: number;
  /** The version of the newest snapshot that is kept for good. */
  archivedVersion: number;
}

/** All that a worker holds of fields, by estimate. */
const maxBytes = 256 * 1024 * 1024;

export class HotFieldCache {
  readonly #fields: LRUCache<FieldId, HotField>;

  constructor(max = 1000) {
    this.#fields = new LRUCache({ max, maxSize: maxBytes, sizeCalculation: estimateBytes });
  }

  has(field: FieldId): boolean {
    return this.#fields.has(field);
  }

  /** The fields as they are under the locks that `trx` holds, in the same order. */
  async catchUp(trx: Knex.Transaction, locked: readonly LockedField[]): Promise<HotField[]> {
    const cached = new Map(locked.flatMap((lockedField) => this.#ifValid(lockedField)));
    const missing = locked.map(({ field }) => field).filter((field) => !cached.has(field));
    const loaded = missing.length > 0 ? await loadHotFields(trx, missing) : new Map<FieldId, HotField>();
    const fields: HotField[] = [];
    for (const lockedField of locked) {
      const hotField = cached.get(lockedField.field) ?? loaded.get(lockedField.field);
      if (!hotField) throw new Error(`the locked field ${lockedField.field} has no row`);
      await applyMissedLog(trx, hotField, lockedField);
      this.#fields.set(lockedField.field, hotField);
      fields.push(hotField);
    }
    return fields;
  }

  /** The copy in memory, if the stored log leads on from it; a field without one is loaded from PostgreSQL. */
  #ifValid(locked: LockedField): [FieldId, HotField][] {
    const hotField = this.#fields.get(locked.field);
    return hotField && isContinuedBy(hotField.state, locked) ? [[locked.field, hotField]] : [];
  }

  evict(fields: Iterable<FieldId>): void {
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
async function applyMissedLog(trx: Knex.Transaction, { state, clock }: HotField, locked: LockedField): Promise<void> {
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
async function loadHotFields(trx: Knex.Transaction, fields: readonly FieldId[]): Promise<Map<FieldId, HotField>> {
  const rows = await StateRow.query(trx).whereIn('field_id', [...fields]);
  const clocks = await ClockRow.query(trx)
    .select('field_id', 'device_id', 'counter')
    .whereIn('field_id', [...fields]);
  const archived = await SnapshotRow.query(trx)
    .select('field_id', raw('max(version)').as('version'))
    .whereIn('field_id', [...fields])
    .groupBy('field_id');
  const hotFields = new Map(rows.map((row) => [row.fieldId, toHotField(row)]));
  for (const { fieldId, deviceId, counter } of clocks) hotFields.get(fieldId)?.clock.set(deviceId, counter);
  for (const { fieldId, version } of archived) {
    const field = hotFields.get(fieldId);
    if (field) field.archivedVersion = version;
  }
  return hotFields;
}

function toHotField(row: StateRow): HotField {
  return {
    state: decodeStateRow(row.fieldId, row.snapshotVersion, row.snapshotTime, row),
    clock: new Map(),
    reorderWindow: new ReorderWindow(),
    snapshotVersion: row.snapshotVersion,
    snapshotAt: Date.now(),
    archivedVersion: 0,
  };
}

/** In bytes, roughly: what has stamps for each of its attributes weighs most. */
function estimateBytes({ state, clock }: HotField): number {
  const particles = state.particles.size + state.tombstones.size;
  return 2000 + 2000 * particles + 200 * state.cells.size + 100 * clock.size;
}
