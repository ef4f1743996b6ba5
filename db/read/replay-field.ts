/** Replays a field's log from the oldest state that is kept: the newest erasure, or else the snapshot at which the log begins. */
import type { Knex } from 'knex';
import { FieldError } from '../../shared/errors.ts';
import type { FoldResult } from '../../shared/field/fold.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { replayUpdate } from '../../shared/field/replay.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import { StateRow } from '../models/state-row.ts';
import type { StoredEntry } from '../models/update-row.ts';
import { inReadTransaction } from '../read-transaction.ts';
import { assertNotErased, assertVersionKept } from './field-state.ts';
import { findNewestErasure, loadSnapshotAtOrBefore, readLogAfter } from './load-state.ts';

export interface ReplayOptions {
  /** The version to stop at; by default the field's current one. */
  readonly to?: number;
  /** Called every 1,000 versions with the progress. */
  readonly onVersion?: (version: number, until: number) => void;
}

const progressIntervalVersions = 1000;

/**
 * @throws FieldError `field_not_found`, `version_ahead`, `version_not_kept` or `erased`; RangeError when the log has a gap
 */
export function replayField(db: Knex, field: FieldId, options: ReplayOptions = {}): Promise<FieldState> {
  return inReadTransaction(db, async (trx) => {
    const { row, until } = await openReplay(trx, field, options.to);
    const { state } = await loadReplayStart(trx, row, until);
    if (!state) throw new RangeError(`the log of ${field} begins at a snapshot that is missing`);
    for await (const _ of replayLog(trx, state, until, options.onVersion));
    return state;
  });
}

/** The field's row, and the version at which a replay ends. @throws FieldError, as `replayField` does */
export async function openReplay(trx: Knex.Transaction, field: FieldId, to: number | undefined) {
  const row = await StateRow.query(trx).findById(field);
  if (!row) throw new FieldError('field_not_found');
  const until = to ?? row.version;
  assertVersionKept(row, until);
  await assertNotErased(trx, field, until);
  return { row, until };
}

/**
 * The state from which a replay folds the rest: the one before the newest erasure, which replaces whatever there was, or the
 * one at which the log begins; undefined when that is not kept.
 */
export async function loadReplayStart(
  trx: Knex.Transaction,
  { fieldId: field, logStart }: StateRow,
  until: number,
): Promise<{ readonly state: FieldState | undefined; readonly erasure: number | undefined }> {
  const erasure = await findNewestErasure(trx, field, until);
  const state =
    erasure === undefined
      ? await loadSnapshotAtOrBefore(trx, field, logStart, logStart)
      : Object.assign(createFieldState(field), { version: erasure - 1 });
  return { state, erasure };
}

/** Folds the log into `state` entry by entry, and yields the result of each. @throws RangeError when the log has a gap */
export async function* replayLog(
  trx: Knex.Transaction,
  state: FieldState,
  until: number,
  onVersion: ReplayOptions['onVersion'],
): AsyncGenerator<{ readonly entry: StoredEntry; readonly folded: FoldResult }> {
  for await (const entry of readLogAfter(trx, state.field, state.version, until)) {
    yield { entry, folded: replayUpdate(state, entry) };
    if (entry.version % progressIntervalVersions === 0) onVersion?.(entry.version, until);
  }
}
