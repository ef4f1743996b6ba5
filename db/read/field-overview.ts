/** An overview of the fields that were updated last, for operators. */
import type { Knex } from 'knex';
import type { FieldId } from '../../shared/field/ids.ts';

export interface FieldOverview {
  readonly field: FieldId;
  readonly version: number;
  readonly conflicts: number;
  /** In the last hour. */
  readonly updates: number;
  /** The compressed size of its snapshot. */
  readonly bytes: number;
  /** Log time in ms. */
  readonly lastUpdate: number;
  readonly devices: number;
  /** Devices whose updates were applied in the last 30 s. */
  readonly activeDevices: number;
}

interface FieldsOverview {
  readonly fields: FieldOverview[];
  readonly total: number;
  /** Fields with commits that could not be published to the cache. */
  readonly unpublished: number;
}

const activeWindowMs = 30_000;

const trafficWindowMs = 3_600_000;

/**
 * The last version before the hour is found by bisection, in at most 53 look-ups by the primary key, because the times of a log
 * never decrease. The size of a column is read without decompressing it.
 */
const fieldsSql = `
  SELECT newest.field_id AS field, newest.version, conflict_count AS conflicts, last_update AS "lastUpdate",
         clocks.devices, clocks.active AS "activeDevices", newest.version - before.version AS updates,
         pg_column_size(memory_particles) + pg_column_size(quantum_fields) + pg_column_size(cells) AS bytes
    FROM (SELECT * FROM consciousness_states ORDER BY last_update DESC LIMIT :limit) AS newest
   CROSS JOIN LATERAL (SELECT count(*) AS devices, count(*) FILTER (WHERE heard_at > :since) AS active
                         FROM vector_clocks WHERE vector_clocks.field_id = newest.field_id) AS clocks
   CROSS JOIN LATERAL (
     WITH RECURSIVE bisection(low, high) AS (
       SELECT newest.log_start, newest.version
       UNION ALL
       SELECT CASE WHEN entry.logged_at <= :hourAgo THEN entry.version ELSE low END,
              CASE WHEN entry.logged_at <= :hourAgo THEN high ELSE entry.version - 1 END
         FROM bisection JOIN field_updates AS entry
           ON entry.field_id = newest.field_id AND entry.version = (low + high + 1) / 2
        WHERE low < high
     ) SELECT max(low) AS version FROM bisection) AS before
   ORDER BY last_update DESC`;

const totalsSql = `
  SELECT (SELECT count(*) FROM consciousness_states) AS total,
         (SELECT count(*) FROM unpublished_fields) AS unpublished`;

export async function readFieldOverview(db: Knex, limit: number): Promise<FieldsOverview> {
  const { rows } = await db.raw<{ rows: FieldOverview[] }>(fieldsSql, {
    limit,
    since: Date.now() - activeWindowMs,
    hourAgo: Date.now() - trafficWindowMs,
  });
  const totals = await db.raw<{ rows: [Omit<FieldsOverview, 'fields'>] }>(totalsSql);
  return { fields: rows, ...totals.rows[0] };
}
