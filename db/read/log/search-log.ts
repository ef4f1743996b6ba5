/** Searches the logs of all fields, for support: what did this device or this user do, and when? */
import type { Knex } from 'knex';
import type { FoldOutcome } from '../../../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { Update } from '../../../shared/field/update.ts';
import { UpdateRow } from '../../models/update-row.ts';

/** All conditions have to hold. Times are log times in ms. */
export interface LogSearch {
  readonly field?: FieldId;
  readonly device?: DeviceId;
  readonly user?: string;
  readonly kind?: Update['kind'];
  readonly outcome?: FoldOutcome;
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
}

/**
 * The newest entries first. Entries whose content is erased have neither device nor user, and are not found. There is no index for
 * this, since every update would pay for it: without a field, the logs of all fields are read.
 * @throws when PostgreSQL takes longer than the connection's statement timeout
 */
export async function searchLog(db: Knex, search: LogSearch): Promise<UpdateRow[]> {
  const { field, device, user, kind, outcome, since, until, limit } = search;
  const query = UpdateRow.query(db).whereNotNull('device_id').limit(limit);
  if (field !== undefined) query.where('field_id', field);
  if (device !== undefined) query.where('device_id', device);
  if (user !== undefined) query.where('user_id', user);
  if (kind !== undefined) query.whereRaw(`update->>'kind' = ?`, [kind]);
  if (outcome !== undefined) query.where('outcome', outcome);
  if (since !== undefined) query.where('logged_at', '>=', since);
  if (until !== undefined) query.where('logged_at', '<', until);
  const newestFirst = field === undefined ? ['logged_at', 'field_id', 'version'] : ['version'];
  return query.orderBy(newestFirst.map((column) => ({ column, order: 'desc' as const })));
}
