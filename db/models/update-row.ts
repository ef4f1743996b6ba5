/** `field_updates`: the log, one row per update. */
import { Model, type RelationMappings } from 'objection';
import type { FoldOutcome, FoldResult } from '../../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Resolution } from '../../shared/field/registers/conflict-record.ts';
import type { LoggedUpdate } from '../../shared/field/replay.ts';
import type { Update } from '../../shared/field/update.ts';
import { ConflictRow } from './conflict-row.ts';
import { Row } from './row.ts';

export class UpdateRow extends Row {
  static override readonly tableName = 'field_updates';
  static override readonly idColumn = ['field_id', 'version'];
  static override readonly jsonAttributes = ['update'];
  static override readonly relationMappings: RelationMappings = {
    conflicts: {
      relation: Model.HasManyRelation,
      modelClass: ConflictRow,
      join: {
        from: ['field_updates.field_id', 'field_updates.version'],
        to: ['field_conflicts.field_id', 'field_conflicts.version'],
      },
    },
  };

  declare fieldId: FieldId;
  declare version: number;
  declare deviceId: DeviceId;
  declare counter: number;
  /** Log time in ms, by PostgreSQL's clock; never going back within a field. */
  declare loggedAt: number;
  declare outcome: FoldOutcome;
  declare resolution: Resolution | null;
  declare update: Update;
  /** Who sent it; null when it came without a token. */
  declare userId: string | null;
  /** Tombstones up to this version were purged right after this update. */
  declare sweptThrough: number | null;
  /** The version of the rules by which it was folded. */
  declare rules: number;
  declare salt: string;
  declare hash: string;

  declare conflicts?: ConflictRow[];

  toLogEntry(): LogEntry {
    const {
      version,
      hash,
      salt,
      rules,
      userId,
      deviceId: device,
      loggedAt: time,
      outcome,
      resolution,
      update,
      sweptThrough,
    } = this;
    return {
      version,
      hash,
      salt,
      rules,
      user: userId ?? undefined,
      device,
      time,
      ...toFoldOutcome({ outcome, resolution }),
      update,
      ...(sweptThrough === null ? {} : { sweptThrough }),
    };
  }
}

/** An update as the log keeps it: what a replay needs, and what the fold resulted in. */
export type LogEntry = LoggedUpdate &
  Pick<FoldResult, 'outcome' | 'resolution'> &
  Pick<UpdateRow, 'rules' | 'salt'> & { readonly user: string | undefined };

/** The outcome as its own properties; without `resolution` when there was no conflict. */
export function toFoldOutcome(row: Pick<UpdateRow, 'outcome' | 'resolution'>) {
  const { outcome, resolution } = row;
  return { outcome, ...(resolution ? { resolution } : {}) };
}
