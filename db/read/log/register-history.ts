/** The history of one register: who changed a particle or a cell, and the conflict records that are still kept. */
import type { Knex } from 'knex';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Conflict } from '../../../shared/field/registers/conflict-record.ts';
import type { Update } from '../../../shared/field/update.ts';
import { type LogEntry, UpdateRow } from '../../models/update-row.ts';

/** A particle or a cell of a field. */
export type RegisterRef =
  | { readonly kind: 'particle'; readonly id: string }
  | { readonly kind: 'cell'; readonly x: number; readonly y: number };

export interface RegisterChange extends Pick<UpdateRow, 'version' | 'outcome' | 'resolution'> {
  /** Log time in ms. */
  readonly time: UpdateRow['loggedAt'];
  readonly device: LogEntry['device'];
  readonly counter: number;
  readonly user: UpdateRow['userId'];
  readonly update: Update;
  /** Both writes; undefined when there was no conflict about this register, or when its record is no longer kept. */
  readonly conflict?: Pick<Conflict, 'local' | 'remote' | 'resolution'>;
}

/** Which kind of register each kind of update writes. */
const registerKinds: Readonly<Record<Update['kind'], RegisterRef['kind'] | undefined>> = {
  'particle.put': 'particle',
  'particle.remove': 'particle',
  'cells.set': 'cell',
  event: undefined,
};

function listUpdateKinds(register: RegisterRef['kind']): string[] {
  return Object.entries(registerKinds).flatMap(([kind, written]) => (written === register ? [kind] : []));
}

/** The newest changes first, at most `limit`. Scans the field's log as far back as it is kept. */
export async function readRegisterHistory(
  db: Knex,
  field: FieldId,
  register: RegisterRef,
  limit: number,
): Promise<RegisterChange[]> {
  const query = UpdateRow.query(db)
    .where('field_id', field)
    .whereRaw(`update->>'kind' = ANY(?)`, [listUpdateKinds(register.kind)])
    .orderBy('version', 'desc')
    .limit(limit)
    .withGraphFetched('conflicts')
    .modifyGraph('conflicts', (conflicts) => conflicts.where('cell', formatConflictCell(register)));
  const rows = await (register.kind === 'particle'
    ? query.whereRaw(`update->>'id' = ?`, [register.id])
    : query.whereRaw(`update->'cells' @> ?::jsonb`, [JSON.stringify([{ x: register.x, y: register.y }])]));
  return rows.flatMap(toChange);
}

/** The register's name in conflict records. */
function formatConflictCell(register: RegisterRef): string {
  return register.kind === 'particle' ? `particle/${register.id}` : `${register.x},${register.y}`;
}

function toChange(row: UpdateRow): RegisterChange[] {
  const entry = row.toStoredEntry();
  if (!('update' in entry)) return [];
  const { version, time, device, update, outcome } = entry;
  const { userId: user, resolution } = row;
  const change = { version, time, device, counter: update.counter, user, update, outcome, resolution };
  const [conflict] = row.conflicts ?? [];
  if (!conflict) return [change];
  const { local, remote } = conflict;
  return [{ ...change, conflict: { local, remote, resolution: conflict.resolution } }];
}
