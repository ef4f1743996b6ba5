/**
 * The fields that this worker keeps in memory, so that a hot field is not read from PostgreSQL for every commit. A copy is
 * used only under the lock of the field's row, only if the stored log continues it, and only after the entries that other
 * workers have logged were folded in. It is evicted whenever a transaction that changed it may not have committed.
 */
import type { Knex } from 'knex';
import { LRUCache } from 'lru-cache';
import { raw } from 'objection';
import { SnapshotRow } from '../../db/models/snapshot-row.ts';
import { StateRow } from '../../db/models/state-row.ts';
import { readLogAfter } from '../../db/read/load-state.ts';
import type { LockedField } from '../../db/write/lock-fields.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { replayUpdate } from '../../shared/field/replay.ts';
import type { FieldState } from '../../shared/field/state.ts';
import { ReorderWindow } from './reorder-window.ts';

export interface HotField {
  readonly state: FieldState;
  /** The highest counter of each device. */
  readonly clock: Map<DeviceId, number>;
  readonly reorderWindow: ReorderWindow;
  /** The version of the snapshot in the field's row, and when that was written (ms, this process's clock). */
  snapshotVersion: number;
  snapshotAt: number;
  /** The version of the newest archived snapshot. */
  archivedVersion: number;
}

/** Limit of the estimated size of all cached fields. */
const maxBytes = 256 * 1024 * 1024;

export class HotFieldCache {
  readonly #fields: LRUCache<FieldId, HotField>;

  constructor(max = 1000) {
    this.#fields = new LRUCache({ max, maxSize: maxBytes, sizeCalculation: estimateBytes });
  }

  has(field: FieldId): boolean {
    return this.#fields.has(field);
  }

  /** The current copies of the fields whose rows `trx` has locked, in the same order. */
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

  /** The cached copy, if the stored log continues it; otherwise the field is loaded from PostgreSQL. */
  #ifValid(locked: LockedField): [FieldId, HotField][] {
    const hotField = this.#fields.get(locked.field);
    return hotField && isContinuedBy(hotField.state, locked) ? [[locked.field, hotField]] : [];
  }

  evict(fields: Iterable<FieldId>): void {
    for (const field of fields) this.#fields.delete(field);
  }
}

/**
 * Whether folding the log after a copy's version gives the stored state. It does not if the copy is ahead (its last
 * updates were never committed), if entries in between have been pruned, or if tombstones were purged since. A purge is
 * recorded on the last entry before it, which a copy at that version does not read again. To purge later instead would
 * give another state: a write that is older than a tombstone is superseded before the purge and applied after it.
 */
function isContinuedBy(state: FieldState, { version, logStart, sweptThrough }: LockedField): boolean {
  return state.version <= version && state.version >= logStart && state.dynamics.sweptThrough === sweptThrough;
}

/** Folds in the entries that other workers have logged since. @throws Error when the log and the field's row differ */
async function applyMissedLog(trx: Knex.Transaction, { state, clock }: HotField, locked: LockedField): Promise<void> {
  if (state.version < locked.version) {
    for await (const entry of readLogAfter(trx, state.field, state.version)) {
      replayUpdate(state, entry);
      clock.set(entry.device, Math.max(clock.get(entry.device) ?? 0, entry.update.counter));
    }
  }
  if (state.version !== locked.version) {
    throw new Error(`the log of ${state.field} ends at version ${state.version}, but its row has ${locked.version}`);
  }
  if (state.dynamics.sweptThrough !== locked.sweptThrough) {
    const { sweptThrough } = state.dynamics;
    throw new Error(`${state.field} is purged through ${sweptThrough}, but its row has ${locked.sweptThrough}`);
  }
}

/** Reads fields at their snapshots, with three queries for all of them. The caller folds in the log after those. */
async function loadHotFields(trx: Knex.Transaction, fields: readonly FieldId[]): Promise<Map<FieldId, HotField>> {
  const rows = await StateRow.query(trx)
    .findByIds([...fields])
    .withGraphFetched('clocks')
    .modifyGraph('clocks', (clocks) => clocks.select('field_id', 'device_id', 'counter'));
  const archived = await SnapshotRow.query(trx)
    .select('field_id', raw('max(version)').as('version'))
    .whereIn('field_id', [...fields])
    .groupBy('field_id');
  const hotFields = new Map(rows.map((row) => [row.fieldId, toHotField(row)]));
  for (const { fieldId, version } of archived) {
    const field = hotFields.get(fieldId);
    if (field) field.archivedVersion = version;
  }
  return hotFields;
}

function toHotField(row: StateRow): HotField {
  return {
    state: row.decodeSnapshot(),
    clock: new Map(row.clocks?.map(({ deviceId, counter }) => [deviceId, counter])),
    reorderWindow: new ReorderWindow(),
    snapshotVersion: row.snapshotVersion,
    snapshotAt: Date.now(),
    archivedVersion: 0,
  };
}

/** In bytes. Particles are the largest, since each of their attributes has a stamp. */
function estimateBytes({ state, clock }: HotField): number {
  const particles = state.particles.size + state.tombstones.size;
  return 2000 + 2000 * particles + 200 * state.cells.size + 100 * clock.size;
}
