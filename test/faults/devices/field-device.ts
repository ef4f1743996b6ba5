/** What the harness needs of a device, whatever it is made of. */
import type { Cursor } from '../../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { View } from './mirror.ts';

export interface FieldDevice {
  readonly id: DeviceId;
  readonly field: FieldId;
  /** Whether every update has a receipt, or a result where a tail of the history may be lost. */
  readonly isDrained: boolean;
  /** The cursor of the state that it watches; undefined before the first one. */
  readonly cursor: Cursor | undefined;
  /** How often it connected again. */
  readonly reconnects: number;
  /** How often its process was killed and started again. */
  readonly restarts: number;
  /** What it shows. */
  readView(): Promise<View>;
  /** Creates a random update and adds it to the outbox. */
  write(): void;
  close(): void;
}
