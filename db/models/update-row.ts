/** `field_updates`: the log, one row per update or erasure. */
import { Model, type RelationMappings } from 'objection';
import type { Erasure } from '../../shared/field/erasure.ts';
import type { FoldOutcome, FoldResult } from '../../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Resolution } from '../../shared/field/registers/conflict-record.ts';
import type { ErasedUpdate, LoggedErasure, LoggedUpdate } from '../../shared/field/replay.ts';
import type { Update } from '../../shared/field/update.ts';
import { hashContent } from '../../shared/history/entry-hash.ts';
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
  /** Device and counter are null in an erasure, and once the content is erased. */
  declare deviceId: DeviceId | null;
  declare counter: number | null;
  /** Log time in ms, by PostgreSQL's clock; never going back within a field. */
  declare loggedAt: number;
  declare outcome: FoldOutcome;
  declare resolution: Resolution | null;
  /** The update or the erasure. Null once the content is erased. */
  declare update: Update | Erasure | null;
  /** The sender; null for an update without a token, and once the content is erased. */
  declare userId: string | null;
  /** Tombstones up to this version were purged right after this update. */
  declare sweptThrough: number | null;
  /** The version of the rules by which it was folded. */
  declare rules: number;
  /** Null once the content, or a part of it, is erased. */
  declare salt: string | null;
  declare hash: string;
  /** The hash of a content that is erased, entirely or in part; null while the content is complete. */
  declare contentHash: string | null;

  declare conflicts?: ConflictRow[];

  /** The row as an entry: an update, an erasure, or what is left of either. */
  toStoredEntry(): StoredEntry {
    const { version, hash, loggedAt: time, outcome, resolution, sweptThrough, rules, deviceId, update } = this;
    const header = {
      version,
      hash,
      time,
      ...toFoldOutcome({ outcome, resolution }),
      ...(sweptThrough === null ? {} : { sweptThrough }),
    };
    if (update === null) return { ...header, rules, contentHash: this.contentHash ?? '' };
    const content = { rules, salt: this.salt ?? '' };
    if (deviceId === null) return { ...header, ...content, erasure: update as Erasure };
    return {
      ...header,
      ...content,
      user: this.userId ?? undefined,
      device: deviceId,
      update: update as Update,
      ...(this.contentHash === null ? {} : { contentHash: this.contentHash }),
    };
  }
}

type FoldedTo = Pick<FoldResult, 'outcome' | 'resolution'>;

/** An update in the log: the input of a replay, and the result of the fold. */
export type LogEntry = LoggedUpdate &
  FoldedTo & {
    readonly rules: number;
    readonly salt: string;
    readonly user: string | undefined;
    /** Present if a part of the content was erased, so that its hash can no longer be computed. */
    readonly contentHash?: string;
  };

type ErasureEntry = LoggedErasure & FoldedTo & Pick<LogEntry, 'rules' | 'salt'>;

/** An entry of the log: an update, an erasure, or what is left of either once its content is erased. */
export type StoredEntry = LogEntry | ErasureEntry | (ErasedUpdate & FoldedTo & Pick<LogEntry, 'rules'>);

/** The outcome as its own properties; without `resolution` when there was no conflict. */
export function toFoldOutcome(row: Pick<UpdateRow, 'outcome' | 'resolution'>) {
  const { outcome, resolution } = row;
  return { outcome, ...(resolution ? { resolution } : {}) };
}

/** The recorded hash if content is missing, otherwise a recomputed one. */
export function hashContentOf(entry: StoredEntry): string {
  if ('update' in entry) return entry.contentHash ?? hashContent(entry);
  return 'erasure' in entry ? hashContent(entry) : entry.contentHash;
}
