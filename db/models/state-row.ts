/** `consciousness_states`: one row per field, with its version, its metrics and its own snapshot. */
import { Model, type RelationMappings } from 'objection';
import type { Metrics } from '../../shared/field/dynamics/field-metrics.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { FieldState } from '../../shared/field/state.ts';
import { ClockRow } from './clock-row.ts';
import { ConflictRow } from './conflict-row.ts';
import { decodeSnapshotColumns, SnapshotColumns, SnapshotRow } from './snapshot-row.ts';

export class StateRow extends SnapshotColumns {
  static override readonly tableName = 'consciousness_states';
  static override readonly idColumn = 'field_id';
  static override readonly relationMappings: RelationMappings = {
    clocks: hasMany(ClockRow),
    conflicts: hasMany(ConflictRow),
    snapshots: hasMany(SnapshotRow),
  };

  declare fieldId: FieldId;
  declare version: number;
  /** The id from which the hash of version 0 is computed. */
  declare genesis: string;
  /** The hash of the log entry at `version`. */
  declare hash: string;
  declare lastUpdate: Metrics['lastUpdate'];
  declare globalResonance: Metrics['globalResonance'];
  declare collectiveIntelligence: Metrics['collectiveIntelligence'];
  declare room64Active: Metrics['room64Active'];
  declare conflictCount: number;
  /** The log up to and including this version has been pruned. */
  declare logStart: number;
  /** The hash of the log entry at `logStart`, which is deleted. */
  declare logStartHash: string;
  /** Tombstones up to this version have been purged. */
  declare sweptThrough: number;
  /** The version, its hash and its log time (ms) of the snapshot in this row; the log has the updates after it. */
  declare snapshotVersion: number;
  declare snapshotHash: string;
  declare snapshotTime: number;
  /** Whether `erased_counters` may have devices of this field. */
  declare hasErasedCounters: boolean;

  declare clocks?: ClockRow[];
  declare conflicts?: ConflictRow[];
  declare snapshots?: SnapshotRow[];

  /** The state at `snapshotVersion`. */
  decodeSnapshot(): FieldState {
    const { snapshotVersion: version, snapshotHash: hash, snapshotTime: time } = this;
    return decodeSnapshotColumns(this.fieldId, { version, hash, time }, this);
  }
}

function hasMany(modelClass: { readonly tableName: string } & typeof Model) {
  return {
    relation: Model.HasManyRelation,
    modelClass,
    join: { from: 'consciousness_states.field_id', to: `${modelClass.tableName}.field_id` },
  };
}
