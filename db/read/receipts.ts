/** What the log says of updates that may have been applied before: the test of exactly-once. */
import type { Knex } from 'knex';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Resolution } from '../../shared/field/registers/conflict-record.ts';
import type { Update } from '../../shared/field/update.ts';

export interface UpdateRef {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly counter: number;
}

export interface FoundReceipt extends UpdateRef {
  /** The log's row, while it is kept. */
  readonly row?: {
    readonly version: number;
    readonly outcome: 'applied' | 'superseded' | 'conflict';
    readonly resolution: Resolution | null;
    readonly update: Update;
    /** Log time in ms. */
    readonly time: number;
  };
  /** It was applied, and its row is gone. */
  readonly pruned: boolean;
}

const findSql = `
  SELECT name.field_id AS field, name.device_id AS device, name.counter,
    logged.version, logged.outcome, logged.resolution, logged.update, logged.logged_at AS time,
    coalesce(clock.pruned @> name.counter, false) AS pruned
  FROM unnest(?::text[], ?::text[], ?::bigint[]) WITH ORDINALITY AS name (field_id, device_id, counter, place)
  LEFT JOIN field_updates logged
    ON (logged.field_id, logged.device_id, logged.counter) = (name.field_id, name.device_id, name.counter)
  LEFT JOIN vector_clocks clock
    ON (clock.field_id, clock.device_id) = (name.field_id, name.device_id)
  ORDER BY place`;

interface FoundRow extends UpdateRef {
  readonly version: number | null;
  readonly outcome: 'applied' | 'superseded' | 'conflict';
  readonly resolution: Resolution | null;
  readonly update: Update;
  readonly time: number;
  readonly pruned: boolean;
}

/** One answer a name, in the same order. */
export async function findReceipts(db: Knex, refs: readonly UpdateRef[]): Promise<FoundReceipt[]> {
  if (refs.length === 0) return [];
  const { rows }: { rows: FoundRow[] } = await db.raw(findSql, [
    refs.map(({ field }) => field),
    refs.map(({ device }) => device),
    refs.map(({ counter }) => counter),
  ] as Knex.RawBinding[]);
  return rows.map(({ field, device, counter, version, outcome, resolution, update, time, pruned }) => ({
    field,
    device,
    counter,
    pruned,
    ...(version === null ? {} : { row: { version, outcome, resolution, update, time } }),
  }));
}
