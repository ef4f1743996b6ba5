/** Keeps the counters of erased updates, so that one which is sent again is not applied again: its outcome is `expired`. */
import type { Knex } from 'knex';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Pseudonyms } from '../../shared/history/pseudonyms.ts';
import { type Columns, listColumns, unnest } from '../unnest.ts';
import type { ErasableClock } from './erasable.ts';
import type { ErasureSubject } from './subject.ts';

export type CounterList = readonly { readonly device: DeviceId; readonly counter: number }[];

const erasedColumns = { pseudonym: 'text', counter: 'bigint' } as const satisfies Columns;

const keepErasedSql = `
  INSERT INTO erased_counters (pseudonym, counter)
  SELECT ${listColumns(erasedColumns)} FROM :counters AS new (${listColumns(erasedColumns)})
  ON CONFLICT (pseudonym) DO UPDATE SET counter = greatest(erased_counters.counter, excluded.counter)`;

const sharedColumns = { device_id: 'text', counter: 'bigint' } as const satisfies Columns;

/** Marks single counters of a device as used, because others use the device too. */
const keepSharedSql = `
  UPDATE vector_clocks clock SET pruned = clock.pruned + gone.counters
  FROM (
    SELECT device_id, range_agg(int8range(counter, counter, '[]')) AS counters
    FROM :counters AS used (${listColumns(sharedColumns)}) GROUP BY device_id
  ) gone
  WHERE clock.field_id = :field AND clock.device_id = gone.device_id`;

interface UsedCounters {
  readonly subject: ErasureSubject;
  readonly pseudonyms: Pseudonyms;
  readonly clocks: readonly ErasableClock[];
  /** The counters of the erased entries. */
  readonly entries: CounterList;
  readonly unapplied: CounterList;
}

/** Replaces the clocks of erased devices by pseudonyms, and marks counters of devices that are shared with others. */
export async function keepCounters(
  trx: Knex.Transaction,
  field: FieldId,
  { subject, pseudonyms, clocks, entries, unapplied }: UsedCounters,
): Promise<void> {
  const shared = new Set(subject.sharedDevices);
  const highest = new Map<DeviceId, number>();
  for (const { device, counter } of [...clocks, ...unapplied]) {
    if (!shared.has(device)) highest.set(device, Math.max(counter, highest.get(device) ?? 0));
  }
  const erased = [...highest].map(([device, counter]) => ({ pseudonym: pseudonyms.ofWriter(field, device), counter }));
  if (erased.length > 0) await trx.raw(keepErasedSql, { counters: unnest(trx, erasedColumns, erased) });
  const used = [...entries, ...unapplied].filter(({ device }) => shared.has(device));
  const sharedRows = used.map(({ device, counter }) => ({ device_id: device, counter }));
  if (used.length > 0) await trx.raw(keepSharedSql, { field, counters: unnest(trx, sharedColumns, sharedRows) });
  const devices = clocks.map(({ device }) => device);
  await trx('vector_clocks').where('field_id', field).whereIn('device_id', devices).delete();
}
