/** Finds updates that may have been applied before in the log: the basis of exactly-once application. */
import type { Knex } from 'knex';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { Pseudonyms } from '../../../shared/history/pseudonyms.ts';
import { type LogEntry, toFoldOutcome, type UpdateRow } from '../../models/update-row.ts';
import { type Columns, listColumns, unnest } from '../../unnest.ts';

/** Identifies an update: a device uses each counter once per field. */
export interface UpdateRef {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly counter: number;
}

export interface FoundReceipt extends UpdateRef {
  /** The log entry, while it is kept. */
  readonly entry?: Pick<LogEntry, 'version' | 'hash' | 'outcome' | 'resolution' | 'update' | 'time'>;
  /** The update was applied, and its log entry has been pruned or erased. */
  readonly isPruned: boolean;
  /** The counter up to which the device was erased; 0 or undefined if it was not. */
  readonly erasedThrough?: number;
}

const refColumns = {
  field_id: 'text',
  device_id: 'text',
  counter: 'bigint',
  pseudonym: 'text',
} as const satisfies Columns;

const findSql = `
  SELECT ref.field_id AS field, ref.device_id AS device, ref.counter,
    logged.version, logged.hash, logged.outcome, logged.resolution, logged.update, logged.logged_at AS time,
    coalesce(clock.pruned @> ref.counter, false) OR coalesce(erased.counter >= ref.counter, false) AS "isPruned",
    coalesce(erased.counter, 0) AS "erasedThrough"
  FROM :refs WITH ORDINALITY AS ref (${listColumns(refColumns)}, place)
  LEFT JOIN field_updates logged
    ON (logged.field_id, logged.device_id, logged.counter) = (ref.field_id, ref.device_id, ref.counter)
  LEFT JOIN vector_clocks clock
    ON (clock.field_id, clock.device_id) = (ref.field_id, ref.device_id)
  LEFT JOIN erased_counters erased ON erased.pseudonym = ref.pseudonym
  ORDER BY place`;

/** A row of the outer join: without a log entry, all columns of the log are null. */
type FoundRow = UpdateRef & { readonly isPruned: boolean; readonly erasedThrough: number } & (
    | (Pick<UpdateRow, 'version' | 'hash' | 'outcome' | 'resolution'> & Pick<LogEntry, 'update' | 'time'>)
    | { readonly version: null }
  );

/**
 * One answer per reference, in the same order.
 * @param pseudonyms undefined in an installation that cannot erase anything
 */
export async function findReceipts(
  db: Knex,
  refs: readonly UpdateRef[],
  pseudonyms?: Pseudonyms,
): Promise<FoundReceipt[]> {
  if (refs.length === 0) return [];
  const rows = refs.map(({ field, device, counter }) => ({
    field_id: field,
    device_id: device,
    counter,
    pseudonym: pseudonyms?.ofWriter(field, device) ?? null,
  }));
  const found = await db.raw<{ rows: FoundRow[] }>(findSql, { refs: unnest(db, refColumns, rows) });
  return found.rows.map(toReceipt);
}

function toReceipt(row: FoundRow): FoundReceipt {
  const { field, device, counter, isPruned, erasedThrough } = row;
  const receipt = { field, device, counter, isPruned, erasedThrough };
  if (row.version === null) return receipt;
  const { version, hash, update, time } = row;
  return { ...receipt, entry: { version, hash, ...toFoldOutcome(row), update, time } };
}
