/** Snapshots of fields: the four columns that hold one, and `field_snapshots`, where the archived ones are kept. */
import type { QuantumField } from '../../shared/field/dynamics/quantum-field.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { type CellRecord, decodeSnapshot, encodeSnapshot, type ParticleRecord } from '../../shared/field/snapshot.ts';
import type { Dynamics, FieldState } from '../../shared/field/state.ts';
import { Row } from './row.ts';

/** The columns of a snapshot, the same in every table that has one. */
export abstract class SnapshotColumns extends Row {
  static override readonly jsonAttributes = ['memoryParticles', 'quantumFields', 'cells', 'dynamics'];

  declare memoryParticles: readonly ParticleRecord[];
  declare quantumFields: readonly QuantumField[];
  declare cells: readonly CellRecord[];
  declare dynamics: Dynamics;
}

/** An archived snapshot: what `?at=` starts from, and what the log of a pruned field continues. */
export class SnapshotRow extends SnapshotColumns {
  static override readonly tableName = 'field_snapshots';
  static override readonly idColumn = ['field_id', 'version'];

  declare fieldId: FieldId;
  declare version: number;
  /** The hash of the log entry at that version. */
  declare hash: string;
  /** Log time of the snapshot's version, in ms. */
  declare time: number;
}

export type SnapshotColumnValues = Pick<SnapshotColumns, 'memoryParticles' | 'quantumFields' | 'cells' | 'dynamics'>;

export function encodeSnapshotColumns(state: FieldState): SnapshotColumnValues {
  const { particles, quantumFields, cells, dynamics } = encodeSnapshot(state);
  return { memoryParticles: particles, quantumFields, cells, dynamics };
}

/** @param at the version, its hash and its log time (ms) that the columns hold */
export function decodeSnapshotColumns(
  field: FieldId,
  at: Pick<SnapshotRow, 'version' | 'hash' | 'time'>,
  columns: SnapshotColumnValues,
): FieldState {
  const { version, hash, time } = at;
  const { memoryParticles: particles, cells, quantumFields, dynamics } = columns;
  return decodeSnapshot(field, { version, hash, time, particles, cells, quantumFields, dynamics });
}
