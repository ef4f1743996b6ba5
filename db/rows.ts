/** What the tables hold, as Objection models: camelCase here, snake_case there, converted in this one place. */
import { Model, snakeCaseMappers } from 'objection';
import type { Revocation, RevocationKind } from '../shared/auth/revocation-list.ts';
import type { QuantumField } from '../shared/field/dynamics/quantum-field.ts';
import type { DeviceId, FieldId } from '../shared/field/ids.ts';
import type { ConflictingWrite, Resolution } from '../shared/field/registers/conflict-record.ts';
import type { CellRecord, ParticleRecord } from '../shared/field/snapshot.ts';
import type { Dynamics } from '../shared/field/state.ts';
import type { Update } from '../shared/field/update.ts';

class Row extends Model {
  static override readonly columnNameMappers = snakeCaseMappers();
}

/** The columns that hold a snapshot, wherever one is kept. */
export interface SnapshotColumns {
  memoryParticles: ParticleRecord[];
  quantumFields: QuantumField[];
  cells: CellRecord[];
  dynamics: Dynamics;
}

export class StateRow extends Row implements SnapshotColumns {
  static override readonly tableName = 'consciousness_states';
  static override readonly idColumn = 'field_id';
  static override readonly jsonAttributes = ['memoryParticles', 'quantumFields', 'cells', 'dynamics'];

  declare fieldId: FieldId;
  declare version: number;
  declare lastUpdate: number;
  declare globalResonance: number;
  declare collectiveIntelligence: number;
  declare room64Active: boolean;
  declare conflictCount: number;
  declare logStart: number;
  declare sweptThrough: number;
  declare snapshotVersion: number;
  declare snapshotTime: number;
  declare memoryParticles: ParticleRecord[];
  declare quantumFields: QuantumField[];
  declare cells: CellRecord[];
  declare dynamics: Dynamics;
}

export class UpdateRow extends Row {
  static override readonly tableName = 'field_updates';
  static override readonly idColumn = ['field_id', 'version'];
  static override readonly jsonAttributes = ['update'];

  declare fieldId: FieldId;
  declare version: number;
  declare deviceId: DeviceId;
  declare counter: number;
  declare loggedAt: number;
  declare outcome: 'applied' | 'superseded' | 'conflict';
  declare resolution: Resolution | null;
  declare update: Update;
  declare userId: string | null;
  declare sweptThrough: number | null;
}

export class SnapshotRow extends Row implements SnapshotColumns {
  static override readonly tableName = 'field_snapshots';
  static override readonly idColumn = ['field_id', 'version'];
  static override readonly jsonAttributes = ['memoryParticles', 'quantumFields', 'cells', 'dynamics'];

  declare fieldId: FieldId;
  declare version: number;
  declare time: number;
  declare memoryParticles: ParticleRecord[];
  declare quantumFields: QuantumField[];
  declare cells: CellRecord[];
  declare dynamics: Dynamics;
}

export class ClockRow extends Row {
  static override readonly tableName = 'vector_clocks';
  static override readonly idColumn = ['field_id', 'device_id'];

  declare fieldId: FieldId;
  declare deviceId: DeviceId;
  declare counter: number;
  declare heardAt: number;
}

export class ConflictRow extends Row {
  static override readonly tableName = 'field_conflicts';
  static override readonly idColumn = ['field_id', 'version', 'cell'];
  static override readonly jsonAttributes = ['local', 'remote'];

  declare fieldId: FieldId;
  declare version: number;
  declare cell: string;
  declare local: ConflictingWrite;
  declare remote: ConflictingWrite;
  declare resolution: Resolution;
  declare time: number;
}

export class InstallationRow extends Row {
  static override readonly tableName = 'installation';

  declare id: string;
}

export class RevocationRow extends Row implements Revocation {
  static override readonly tableName = 'revocations';
  static override readonly idColumn = ['kind', 'subject'];

  declare kind: RevocationKind;
  declare subject: string;
  declare revokedAt: number;
  declare reason: string | null;
  declare isLifted: boolean;
  declare change: number;
}
