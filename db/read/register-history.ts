/** Who changed a particle or a cell, as the log has it, and the conflict records that are still kept. */
import type { Knex } from 'knex';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Conflict, Resolution } from '../../shared/field/registers/conflict-record.ts';
import type { Update } from '../../shared/field/update.ts';
import { ConflictRow, UpdateRow } from '../rows.ts';

/** What of a field is asked about. */
export type RegisterRef =
  | { readonly kind: 'particle'; readonly id: string }
  | { readonly kind: 'cell'; readonly x: number; readonly y: number };

export interface RegisterChange {
  readonly version: number;
  /** Log time in ms. */
  readonly time: number;
  readonly device: DeviceId;
  readonly counter: number;
  readonly user: string | null;
  readonly update: Update;
  readonly outcome: 'applied' | 'superseded' | 'conflict';
  readonly resolution: Resolution | null;
  /** Both sides; undefined when there was none about this one, or when its record is gone. */
  readonly conflict?: Pick<Conflict, 'local' | 'remote' | 'resolution'>;
}

/** Its newest changes, the newest first. Reads through the field's log, as far back as that is kept. */
export async function readRegisterHistory(
  db: Knex,
  field: FieldId,
  register: RegisterRef,
  limit: number,
): Promise<RegisterChange[]> {
  const query = UpdateRow.query(db).where('field_id', field).orderBy('version', 'desc').limit(limit);
  const rows = await (register.kind === 'particle'
    ? query.whereRaw(`update->>'kind' IN ('particle.put', 'particle.remove') AND update->>'id' = ?`, [register.id])
    : query.whereRaw(`update->>'kind' = 'cells.set' AND update->'cells' @> ?::jsonb`, [
        JSON.stringify([{ x: register.x, y: register.y }]),
      ]));
  const conflicts = await ConflictRow.query(db)
    .where({ field_id: field, cell: formatConflictCell(register) })
    .whereIn(
      'version',
      rows.map(({ version }) => version),
    );
  const byVersion = new Map(conflicts.map((conflict) => [conflict.version, conflict]));
  return rows.map((row) => toChange(row, byVersion.get(row.version)));
}

/** As conflict records name it. */
function formatConflictCell(register: RegisterRef): string {
  return register.kind === 'particle' ? `particle/${register.id}` : `${register.x},${register.y}`;
}

function toChange(row: UpdateRow, conflict: ConflictRow | undefined): RegisterChange {
  const { version, loggedAt: time, deviceId: device, counter, userId: user, update, outcome, resolution } = row;
  return {
    version,
    time,
    device,
    counter,
    user,
    update,
    outcome,
    resolution,
    ...(conflict
      ? { conflict: { local: conflict.local, remote: conflict.remote, resolution: conflict.resolution } }
      : {}),
  };
}
