/** Reads the log of a field with SQL of its own, independent of db/. */
import type { Knex } from 'knex';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { Update } from '../../../shared/field/update.ts';

export interface LogRow {
  readonly version: number;
  readonly device: DeviceId;
  readonly counter: number;
  readonly time: number;
  readonly outcome: string;
  readonly resolution: string | null;
  readonly update: Update;
}

const sql = `
  SELECT version, device_id AS device, counter, logged_at AS time, outcome, resolution, update
  FROM field_updates WHERE field_id = ? ORDER BY version`;

export async function readLogRows(db: Knex, field: FieldId): Promise<LogRow[]> {
  const { rows }: { rows: LogRow[] } = await db.raw(sql, [field]);
  return rows;
}
