/** Searches the logs of all fields, for support: what did this device or this user do, and when? */
import type { Knex } from 'knex';
import type { FoldOutcome } from '../../../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { Update } from '../../../shared/field/update.ts';
import { ClockRow } from '../../models/clock-row.ts';
import { UpdateRow } from '../../models/update-row.ts';

/** All conditions have to hold. Times are log times in ms. */
export interface LogSearch {
  readonly field?: FieldId | undefined;
  readonly device?: DeviceId | undefined;
  readonly counter?: number | undefined;
  readonly user?: string | undefined;
  readonly kind?: Update['kind'] | undefined;
  readonly outcome?: FoldOutcome | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Only entries that come after this one, which was found by the same search. */
  readonly after?: LogPosition | undefined;
  readonly limit: number;
}

export type LogPosition = Pick<FoundUpdate, 'time' | 'field' | 'version'>;

export interface FoundUpdate {
  readonly field: FieldId;
  readonly version: number;
  /** Log time in ms. */
  readonly time: number;
  readonly device: DeviceId | null;
  readonly counter: number | null;
  readonly user: string | null;
  readonly outcome: FoldOutcome;
  /** How a conflict was resolved; null if there was none. */
  readonly resolution: UpdateRow['resolution'];
  readonly update: UpdateRow['update'];
}

/**
 * The newest entries first. Erased entries have neither device nor user, and are not found. There is no index for this, because
 * every update would pay for it: without a field or a device, the logs of all fields are read. The fields of a device are found
 * in the clocks, which have one row for each device of a field.
 * @throws when PostgreSQL takes longer than the connection's statement timeout
 */
export async function searchLog(db: Knex, search: LogSearch): Promise<FoundUpdate[]> {
  const { field, device, counter, user, kind, outcome, since, until, after, limit } = search;
  const query = UpdateRow.query(db).whereNotNull('device_id').limit(limit);
  if (field !== undefined) query.where('field_id', field);
  if (device !== undefined) query.where('device_id', device);
  if (device !== undefined && field === undefined)
    query.whereIn('field_id', ClockRow.query(db).select('field_id').where('device_id', device));
  if (counter !== undefined) query.where('counter', counter);
  if (user !== undefined) query.where('user_id', user);
  if (kind !== undefined) query.whereRaw(`update->>'kind' = ?`, [kind]);
  if (outcome !== undefined) query.where('outcome', outcome);
  if (since !== undefined) query.where('logged_at', '>=', since);
  if (until !== undefined) query.where('logged_at', '<', until);
  if (after) {
    if (field === undefined)
      query.whereRaw('(logged_at, field_id, version) < (?, ?, ?)', [after.time, after.field, after.version]);
    else query.where('version', '<', after.version);
  }
  const newestFirst = field === undefined ? ['logged_at', 'field_id', 'version'] : ['version'];
  return (await query.orderBy(newestFirst.map((column) => ({ column, order: 'desc' as const })))).map(toFoundUpdate);
}

function toFoundUpdate(row: UpdateRow): FoundUpdate {
  const { fieldId: field, version, loggedAt: time, deviceId: device, counter, userId: user } = row;
  const { outcome, resolution, update } = row;
  return { field, version, time, device, counter, user, outcome, resolution, update };
}

const queryCanceled = '57014';

/** Whether a search failed because it took longer than the connection's statement timeout. */
export function isSearchTimeout(error: unknown): boolean {
  const { code, nativeError } = (error ?? {}) as { code?: unknown; nativeError?: { code?: unknown } };
  return code === queryCanceled || nativeError?.code === queryCanceled;
}
