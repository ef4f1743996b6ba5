/**
 * The fields that this worker holds in memory, so that a hot one is not read again for every commit. A copy is only
 * trusted under the field's row lock, after it has folded in what other workers have logged; and it is dropped
 * whenever a transaction that touched it did not surely commit.
 */
import type { Knex } from 'knex';
import { LRUCache } from 'lru-cache';
import type { LockedField } from '../db/field-writer.ts';
import { ClockRow, SnapshotRow, StateRow } from '../db/models/rows.ts';
import { readLogAfter, stateOfColumns } from '../db/stored-field.ts';
import { sweepRemoved } from '../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../shared/field/ids.ts';
import { replayUpdate } from '../shared/field/replay.ts';
import type { FieldState } from '../shared/field/state.ts';
import { Holds } from './holds.ts';

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

export class LiveFields {
  readonly #fields: LRUCache<FieldId, LiveField>;

  constructor(max = 1000) {
    this.#fields = new LRUCache({ max });
  }

  has(field: FieldId): boolean {
    return this.#fields.has(field);
  }

  /** The field as it is under the lock that `trx` holds. */
  async catchUp(trx: Knex.Transaction, locked: LockedField): Promise<LiveField> {
    const known = this.#fields.get(locked.field);
    const live = known && known.state.version <= locked.version ? known : await loadLiveField(trx, locked.field);
    for await (const entry of readMissing(trx, live, locked)) {
      replayUpdate(live.state, entry);
      live.clock.set(entry.device, Math.max(live.clock.get(entry.device) ?? 0, entry.update.counter));
    }
    if (live.state.dynamics.sweptThrough < locked.sweptThrough) sweepRemoved(live.state, locked.sweptThrough);
    this.#fields.set(locked.field, live);
    return live;
  }

  forget(fields: Iterable<FieldId>): void {
    for (const field of fields) this.#fields.delete(field);
  }
}

async function* readMissing(trx: Knex.Transaction, { state }: LiveField, { field, version }: LockedField) {
  if (state.version < version) yield* readLogAfter(trx, field, state.version);
}

async function loadLiveField(trx: Knex.Transaction, field: FieldId): Promise<LiveField> {
  const row = await StateRow.query(trx).findById(field).throwIfNotFound();
  const clocks = await ClockRow.query(trx).select('device_id', 'counter').where('field_id', field);
  const kept = await SnapshotRow.query(trx)
    .select('version')
    .where('field_id', field)
    .orderBy('version', 'desc')
    .first();
  return {
    state: stateOfColumns(field, row.snapshotVersion, row.snapshotTime, row),
    holds: new Holds(),
    clock: new Map(clocks.map(({ deviceId, counter }) => [deviceId, counter])),
    snapshotVersion: row.snapshotVersion,
    snapshotAt: 0,
    keptVersion: kept?.version ?? 0,
  };
}
