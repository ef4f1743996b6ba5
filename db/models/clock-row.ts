/** `vector_clocks`: the highest counter of each device in each field. */
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { Row } from './row.ts';

export class ClockRow extends Row {
  static override readonly tableName = 'vector_clocks';
  static override readonly idColumn = ['field_id', 'device_id'];

  declare fieldId: FieldId;
  declare deviceId: DeviceId;
  declare counter: number;
  /** Log time of the device's last update, in ms. */
  declare heardAt: number;
}
