/** Conflicts and devices of the fields that were updated last, for operators. */
import type { Knex } from 'knex';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';

const maxFields = 20;

export interface RecentConflict {
  readonly field: FieldId;
  readonly version: number;
  readonly cell: string;
  readonly resolution: string;
  /** The devices whose writes were in conflict. */
  readonly local: DeviceId;
  readonly remote: DeviceId;
  /** Log time in ms. */
  readonly time: number;
}

export interface RecentDevice {
  readonly device: DeviceId;
  readonly field: FieldId;
  /** The highest counter of the device in the field. */
  readonly counter: number;
  /** Log time in ms. */
  readonly heardAt: number;
}

const newestFields = `(SELECT field_id FROM consciousness_states ORDER BY last_update DESC LIMIT ${maxFields}) AS newest`;

const conflictsSql = `
  SELECT field_id AS field, version, cell, resolution, local->>'device' AS local, remote->>'device' AS remote, time
    FROM ${newestFields}
   CROSS JOIN LATERAL (SELECT version, cell, resolution, local, remote, time FROM field_conflicts
                        WHERE field_conflicts.field_id = newest.field_id
                        ORDER BY version DESC, cell LIMIT :limit) AS conflicts
   ORDER BY time DESC, field_id, version DESC LIMIT :limit`;

const devicesSql = `
  SELECT device_id AS device, clocks.field_id AS field, counter, heard_at AS "heardAt"
    FROM ${newestFields} JOIN vector_clocks AS clocks USING (field_id)
   ORDER BY heard_at DESC, device_id, field_id LIMIT :limit`;

/** The newest first. */
export async function readRecentConflicts(db: Knex, limit: number): Promise<RecentConflict[]> {
  return (await db.raw<{ rows: RecentConflict[] }>(conflictsSql, { limit })).rows;
}

/** The most recently heard first. */
export async function readRecentDevices(db: Knex, limit: number): Promise<RecentDevice[]> {
  return (await db.raw<{ rows: RecentDevice[] }>(devicesSql, { limit })).rows;
}
