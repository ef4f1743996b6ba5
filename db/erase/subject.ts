/** The subject of an erasure: the users, the devices or the field that it concerns, and where their data is. */
import type { Knex } from 'knex';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Pseudonyms } from '../../shared/history/pseudonyms.ts';
import type { PurgedJobs } from '../../shared/queue/purge-jobs.ts';
import type { ErasureRecord } from './erasure-row.ts';

export interface ErasureSubject {
  /** The users whose entries are erased, on whichever device they were made. */
  readonly users: readonly string[];
  /** The devices that are erased entirely. */
  readonly devices: readonly DeviceId[];
  /** The devices of these users on which others have written as well: only the users' entries are erased. */
  readonly sharedDevices: readonly DeviceId[];
  /** The field that is erased entirely. */
  readonly field?: FieldId;
}

const nobody: ErasureSubject = { users: [], devices: [], sharedDevices: [] };

export function subjectOfField(field: FieldId): ErasureSubject {
  return { ...nobody, field };
}

export function subjectOfDevice(device: DeviceId): ErasureSubject {
  return { ...nobody, devices: [device] };
}

const devicesSql = `
  SELECT device_id AS device, bool_and(user_id IS NOT DISTINCT FROM :user) AS "isExclusive"
  FROM field_updates
  WHERE device_id IN (SELECT device_id FROM field_updates WHERE user_id = :user)
  GROUP BY device_id ORDER BY device_id`;

/** A user with the devices that the logs have their updates from. */
export async function subjectOfUser(db: Knex, user: string): Promise<ErasureSubject> {
  const { rows } = await db.raw<{ rows: { device: DeviceId; isExclusive: boolean }[] }>(devicesSql, { user });
  const select = (isExclusive: boolean) =>
    rows.filter((row) => row.isExclusive === isExclusive).map(({ device }) => device);
  return { users: [user], devices: select(true), sharedDevices: select(false) };
}

/** Resolves the pseudonyms of a record to the users, devices or field that this database has. */
export async function subjectOfRecord(
  db: Knex,
  { kind, subject, devices }: Pick<ErasureRecord, 'kind' | 'subject' | 'devices'>,
  pseudonyms: Pseudonyms,
): Promise<ErasureSubject> {
  if (kind === 'field') {
    const fields = await readColumn<FieldId>(db, 'SELECT field_id AS value FROM consciousness_states');
    const field = fields.find((one) => pseudonyms.ofField(one) === subject);
    return field === undefined ? nobody : subjectOfField(field);
  }
  const known = new Set(devices);
  if (kind === 'device') known.add(subject);
  const named = (await readColumn<DeviceId>(db, allDevicesSql)).filter((one) => known.has(pseudonyms.ofDevice(one)));
  if (kind === 'device') return { ...nobody, devices: named };
  const users = await readColumn<string>(
    db,
    'SELECT DISTINCT user_id AS value FROM field_updates WHERE user_id IS NOT NULL',
  );
  const user = users.find((one) => pseudonyms.ofUser(one) === subject);
  return mergeSubjects(user === undefined ? nobody : await subjectOfUser(db, user), { ...nobody, devices: named });
}

const allDevicesSql = `
  SELECT device_id AS value FROM vector_clocks
  UNION SELECT device_id FROM field_updates WHERE device_id IS NOT NULL`;

async function readColumn<Value>(db: Knex, sql: string): Promise<Value[]> {
  const { rows } = await db.raw<{ rows: { value: Value }[] }>(sql);
  return rows.map(({ value }) => value);
}

/** Whether it is already decided how much of a device is erased. */
export function isKnownDevice({ devices, sharedDevices, field }: ErasureSubject, device: DeviceId): boolean {
  return field !== undefined || devices.includes(device) || sharedDevices.includes(device);
}

/** Adds the devices of another subject. A device that is erased entirely does not become shared, even if others have used it since. */
export function mergeSubjects(subject: ErasureSubject, other: ErasureSubject): ErasureSubject {
  const devices = [...new Set([...subject.devices, ...other.devices])];
  const shared = new Set([...subject.sharedDevices, ...other.sharedDevices]);
  return { ...subject, devices, sharedDevices: [...shared].filter((device) => !devices.includes(device)) };
}

/** Adds devices that were only found in queued jobs. One with a clock counts as shared, since others may have used it. */
export async function addQueuedDevices(
  db: Knex,
  subject: ErasureSubject,
  { updates }: Pick<PurgedJobs, 'updates'>,
): Promise<ErasureSubject> {
  if (subject.field !== undefined) return subject;
  const known = new Set([...subject.devices, ...subject.sharedDevices]);
  const found = [...new Set(updates.map(({ device }) => device))].filter((device) => !known.has(device));
  const used = new Set<DeviceId>(
    await db('vector_clocks').distinct('device_id').whereIn('device_id', found).pluck('device_id'),
  );
  return mergeSubjects(subject, {
    ...nobody,
    devices: found.filter((device) => !used.has(device)),
    sharedDevices: found.filter((device) => used.has(device)),
  });
}

const fieldsSql = `
  SELECT field_id AS value FROM field_updates WHERE device_id = ANY(:devices) OR user_id = ANY(:users)
  UNION SELECT field_id FROM vector_clocks WHERE device_id = ANY(:devices)
  ORDER BY 1`;

/** The fields in which the subject has data. */
export async function listFieldsOf(db: Knex, { users, devices, field }: ErasureSubject): Promise<FieldId[]> {
  if (field !== undefined) {
    const row = await db('consciousness_states').where('field_id', field).first('field_id');
    return row ? [field] : [];
  }
  if (users.length + devices.length === 0) return [];
  const bindings = { users: [...users], devices: [...devices] };
  const { rows } = await db.raw<{ rows: { value: FieldId }[] }>(fieldsSql, bindings);
  return rows.map(({ value }) => value);
}

const startedSql = `
  SELECT DISTINCT field_id AS value FROM field_updates
  WHERE device_id IS NULL AND update IS NOT NULL AND update->>'id' = :id`;

/** The fields to which an interrupted erasure has already been appended. */
export async function listStartedFields(db: Knex, id: string): Promise<FieldId[]> {
  const { rows } = await db.raw<{ rows: { value: FieldId }[] }>(startedSql, { id });
  return rows.map(({ value }) => value);
}
