/** Finds the data of an erasure's subject in a field. Every function takes a transaction. */
import type { Knex } from 'knex';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import type { Stamp } from '../../shared/field/registers/stamp.ts';
import { ConflictRow } from '../models/conflict-row.ts';
import type { ErasureSubject } from './subject.ts';

export interface ErasableEntry {
  readonly version: number;
  readonly device: DeviceId;
  readonly counter: number;
}

const entriesSql = `
  SELECT version, device_id AS device, counter FROM field_updates
  WHERE field_id = :field AND version > :after AND device_id IS NOT NULL
    AND (:everything OR device_id = ANY(:devices) OR user_id = ANY(:users))
  ORDER BY version`;

/** The subject's entries after a version, in order. */
export async function findErasableEntries(
  trx: Knex.Transaction,
  field: FieldId,
  subject: ErasureSubject,
  after: number,
): Promise<ErasableEntry[]> {
  const bindings = { field, after, ...toBindings(subject) };
  return (await trx.raw<{ rows: ErasableEntry[] }>(entriesSql, bindings)).rows;
}

export function toBindings({ users, devices, field }: ErasureSubject) {
  return { everything: field !== undefined, users: [...users], devices: [...devices] };
}

export interface ErasableClock {
  readonly device: DeviceId;
  readonly counter: number;
  /** Whether log entries of the device have been pruned. */
  readonly hasPruned: boolean;
}

const clocksSql = `
  SELECT device_id AS device, counter, pruned <> '{}' AS "hasPruned" FROM vector_clocks
  WHERE field_id = :field AND (:everything OR device_id = ANY(:devices))`;

/** The clocks of the devices that are erased entirely. */
export async function findErasableClocks(
  trx: Knex.Transaction,
  field: FieldId,
  subject: ErasureSubject,
): Promise<ErasableClock[]> {
  const { everything, devices } = toBindings(subject);
  return (await trx.raw<{ rows: ErasableClock[] }>(clocksSql, { field, everything, devices })).rows;
}

/** Creates a predicate that decides from its stamp whether a register's last write is to be erased. */
export function createStampFilter(
  { devices, field }: ErasureSubject,
  entries: readonly ErasableEntry[],
): (stamp: Stamp) => boolean {
  if (field !== undefined) return () => true;
  const [deviceSet, versions] = [new Set(devices), new Set(entries.map(({ version }) => version))];
  return (stamp) => deviceSet.has(stamp.device) || versions.has(stamp.version);
}

/** The conflict records with a write of the subject on either side. */
export async function findErasableConflicts(
  trx: Knex.Transaction,
  field: FieldId,
  subject: ErasureSubject,
  entries: readonly ErasableEntry[],
): Promise<ConflictRow[]> {
  const rows = await ConflictRow.query(trx).where('field_id', field);
  if (subject.field !== undefined) return rows;
  const devices = new Set(subject.devices);
  const writes = new Set(entries.map(({ device, counter }) => `${device} ${counter}`));
  const isErased = ({ device, counter }: Conflict['local']) =>
    devices.has(device) || writes.has(`${device} ${counter}`);
  return rows.filter(({ local, remote }) => isErased(local) || isErased(remote));
}
