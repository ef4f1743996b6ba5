/** Reads the vector clock of a field in pages, or one entry of it. */
import type { Knex } from 'knex';
import type { Cursor } from '../../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import { cursorOf } from '../../../shared/field/state.ts';
import type { Pseudonyms } from '../../../shared/history/pseudonyms.ts';
import { ClockRow } from '../../models/clock-row.ts';
import { readStateHeader } from '../field-state.ts';

export interface ClockRange {
  /** Only the entry of this device. */
  readonly device?: DeviceId | undefined;
  /** The page starts after this device, in the order of ids. */
  readonly after?: DeviceId | undefined;
  readonly limit?: number;
}

const defaultLimit = 1000;

export interface ClockPage {
  readonly version: number;
  readonly cursor: Cursor;
  /** The highest counter by device. */
  readonly clock: Record<string, number>;
  /** The device after which the next page starts; undefined on the last page. */
  readonly next: DeviceId | undefined;
}

/** Undefined when the field does not exist. */
export async function readClockPage(
  trx: Knex.Transaction,
  field: FieldId,
  { device, after = '' as DeviceId, limit = defaultLimit }: ClockRange,
  pseudonyms: Pseudonyms | undefined,
): Promise<ClockPage | undefined> {
  const header = await readStateHeader(trx, field);
  if (!header) return undefined;
  const position = { version: header.version, cursor: cursorOf(header) };
  if (device !== undefined) {
    const counter = await readLastCounter(trx, field, device, pseudonyms);
    return { ...position, clock: counter > 0 ? { [device]: counter } : {}, next: undefined };
  }
  const found = await ClockRow.query(trx)
    .select('device_id', 'counter')
    .where('field_id', field)
    .where('device_id', '>', after)
    .orderBy('device_id')
    .limit(limit + 1);
  const rows = found.slice(0, limit);
  return {
    ...position,
    clock: Object.fromEntries(rows.map((row) => [row.deviceId, row.counter])),
    next: rows.length < found.length ? rows.at(-1)?.deviceId : undefined,
  };
}

/** The highest counter that a device has used, even if it was erased since; 0 for none. */
export async function readLastCounter(
  db: Knex,
  field: FieldId,
  device: DeviceId,
  pseudonyms: Pseudonyms | undefined,
): Promise<number> {
  const row = await ClockRow.query(db).findById([field, device]);
  if (!pseudonyms) return row?.counter ?? 0;
  const erased = await db('erased_counters').where('pseudonym', pseudonyms.ofWriter(field, device)).first('counter');
  return Math.max(row?.counter ?? 0, erased?.counter ?? 0);
}

/** The highest counters of those of the devices that have written to the field. */
export async function readLastCounters(
  db: Knex,
  field: FieldId,
  devices: readonly DeviceId[],
): Promise<ReadonlyMap<DeviceId, number>> {
  const rows = await ClockRow.query(db)
    .select('device_id', 'counter')
    .where('field_id', field)
    .whereRaw('device_id = ANY(?)', [[...devices]]);
  return new Map(rows.map(({ deviceId, counter }) => [deviceId, counter]));
}
