/** PostgreSQL's clock, the only one used for log times and retention. */
import type { Knex } from 'knex';

/** In ms. */
export async function readServerTime(db: Knex): Promise<number> {
  const { rows } = await db.raw<{ rows: [{ now: number }] }>(
    'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now',
  );
  return rows[0].now;
}
