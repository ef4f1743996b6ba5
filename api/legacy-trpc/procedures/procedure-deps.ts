/** The dependencies of all procedures of the original's router. */
import type { FieldReader } from '../../../db/read/field-reader.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Presence } from '../../presence/presence.ts';
import type { ServerClock } from '../../server-clock.ts';
import type { LegacyDevices } from '../legacy-devices.ts';
import type { LegacyStates } from '../legacy-state.ts';
import type { LegacyWriter } from '../legacy-writer.ts';
import type { Room64Sessions } from '../room64-sessions.ts';

export interface ProcedureDeps {
  readonly field: FieldId;
  readonly gridSize: number;
  readonly devices: LegacyDevices;
  readonly writer: LegacyWriter;
  readonly states: LegacyStates;
  readonly rooms: Room64Sessions;
  readonly presence: Pick<Presence, 'touch' | 'count'>;
  readonly reader: Pick<FieldReader, 'readConflicts'>;
  readonly clock: Pick<ServerClock, 'now'>;
}
