/** `field_conflicts`: the records of the newest conflicts of each field. */
import type { FieldId } from '../../shared/field/ids.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import { Row } from './row.ts';

export class ConflictRow extends Row {
  static override readonly tableName = 'field_conflicts';
  static override readonly idColumn = ['field_id', 'version', 'cell'];
  static override readonly jsonAttributes = ['local', 'remote'];

  declare fieldId: FieldId;
  declare version: Conflict['version'];
  declare cell: Conflict['cell'];
  declare local: Conflict['local'];
  declare remote: Conflict['remote'];
  declare resolution: Conflict['resolution'];
  declare time: Conflict['time'];

  /** The conflict as clients see it; jsonb does not keep the order of keys, so they are put in order here. */
  toConflict(): Conflict {
    const { cell, local, remote, resolution, version, time } = this;
    return { cell, local: sortKeys(local), remote: sortKeys(remote), resolution, version, time };
  }
}

function sortKeys({ device, counter, timestamp, value }: Conflict['local']): Conflict['local'] {
  return { device, counter, timestamp, value };
}
