/** An overview of the fields that were updated last, for operators. */
import type { Knex } from 'knex';
import type { FieldId } from '../../shared/field/ids.ts';

export interface FieldOverview {
  readonly field: FieldId;
  readonly version: number;
  readonly conflicts: number;
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

const fieldsSql = `
  SELECT field_id AS field, version, conflict_count AS conflicts, last_update AS "lastUpdate",
         clocks.devices, clocks.active AS "activeDevices"
    FROM (SELECT * FROM consciousness_states ORDER BY last_update DESC LIMIT :limit) AS newest
   CROSS JOIN LATERAL (SELECT count(*) AS devices, count(*) FILTER (WHERE heard_at > :since) AS active
                         FROM vector_clocks WHERE vector_clocks.field_id = newest.field_id) AS clocks
   ORDER BY last_update DESC`;

const totalsSql = `
  SELECT (SELECT count(*) FROM consciousness_states) AS total,
         (SELECT count(*) FROM unpublished_fields) AS unpublished`;

export async function readFieldOverview(db: Knex, limit: number): Promise<FieldsOverview> {
  const { rows } = await db.raw<{ rows: FieldOverview[] }>(fieldsSql, { limit, since: Date.now() - activeWindowMs });
  const totals = await db.raw<{ rows: [Omit<FieldsOverview, 'fields'>] }>(totalsSql);
  return { fields: rows, ...totals.rows[0] };
}
