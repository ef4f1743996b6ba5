/** Folding a field's log again, from the oldest state that is kept. */
import type { Knex } from 'knex';
import { FieldError } from '../../shared/errors.ts';
import type { FoldResult } from '../../shared/field/fold.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { replayUpdate } from '../../shared/field/replay.ts';
import type { FieldState } from '../../shared/field/state.ts';
import { inReadTransaction } from '../read-transaction.ts';
import { StateRow } from '../rows.ts';
import { type LogEntry, loadSnapshotAtOrBefore, readLogAfter } from './load-state.ts';

export interface ReplayOptions {
  /** Stops after this version; without it, at the field's own. */
  readonly to?: number;
  /** Told now and then how far it has come. */
  readonly onVersion?: (version: number, until: number) => void;
}

const progressIntervalVersions = 1000;

/** @throws FieldError `field_not_found`, `version_ahead` or `version_not_kept`; RangeError when the log has a gap */
export function replayField(db: Knex, field: FieldId, options: ReplayOptions = {}): Promise<FieldState> {
  return inReadTransaction(db, async (trx) => {
    const { row, until } = await openReplay(trx, field, options.to);
    const state = await loadSnapshotAtOrBefore(trx, field, row.logStart, row.logStart);
    if (!state) throw new RangeError(`the log of ${field} has lost the snapshot that it stands on`);
    for await (const _ of replayLog(trx, state, until, options.onVersion));
    return state;
  });
}

/** The field's row, and the version that a replay ends at. @throws FieldError */
export async function openReplay(trx: Knex.Transaction, field: FieldId, to: number | undefined) {
  const row = await StateRow.query(trx).findById(field);
  if (!row) throw new FieldError('field_not_found');
  const until = to ?? row.version;
  if (until > row.version) throw new FieldError('version_ahead', { detail: `The field is at version ${row.version}` });
  if (until < row.logStart) {
    throw new FieldError('version_not_kept', { detail: `Kept from version ${row.logStart} on` });
  }
  return { row, until };
}

/** Folds the log into the state, an entry a step. @throws RangeError when the log has a gap */
export async function* replayLog(
  trx: Knex.Transaction,
  state: FieldState,
  until: number,
  onVersion: ReplayOptions['onVersion'],
): AsyncGenerator<{ readonly entry: LogEntry; readonly folded: FoldResult }> {
  for await (const entry of readLogAfter(trx, state.field, state.version, until)) {
    yield { entry, folded: replayUpdate(state, entry) };
    if (entry.version % progressIntervalVersions === 0) onVersion?.(entry.version, until);
  }
}
