/** The states of fields as the API and the commands see them: which fields exist, and which versions are kept. */
import type { Knex } from 'knex';
import { FieldError } from '../../shared/errors.ts';
import { emptyHash } from '../../shared/field/cursor.ts';
import { type FieldId, globalField } from '../../shared/field/ids.ts';
import { replayUpdate } from '../../shared/field/replay.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import { StateRow } from '../models/state-row.ts';
import { inReadTransaction } from '../read-transaction.ts';
import { isErasedAt, loadSnapshotAtOrBefore, loadStoredState, readLogAfter } from './load-state.ts';
import { measureLog } from './pages/log-page.ts';

export type StateHeader = Pick<StateRow, 'version' | 'hash' | 'logStart' | 'conflictCount'>;

const emptyHeader: StateHeader = { version: 0, hash: emptyHash, logStart: 0, conflictCount: 0 };

/** `global` always exists; any other field exists once an update has been applied to it. */
export async function readStateHeader(db: Knex, field: FieldId): Promise<StateHeader | undefined> {
  const row = await StateRow.query(db).select('version', 'hash', 'log_start', 'conflict_count').findById(field);
  if (row && (row.version > 0 || field === globalField)) return row;
  return field === globalField ? emptyHeader : undefined;
}

/** The current state; undefined when the field does not exist. */
export async function loadState(db: Knex, field: FieldId): Promise<FieldState | undefined> {
  const state = await inReadTransaction(db, (trx) => loadStoredState(trx, field));
  if (field === globalField) return state ?? createFieldState(field);
  return state && state.version > 0 ? state : undefined;
}

export interface PastStateOptions {
  /** Called before the log is folded. Throws if that would be too much. */
  readonly checkCost?: (cost: { readonly updates: number; readonly storedBytes: number }) => void;
  /** Awaited after each folded entry. Throws if it takes too long. */
  readonly onEntry?: () => Promise<void>;
}

/**
 * The state at a version.
 * @throws FieldError `field_not_found`, `version_not_kept`, `version_ahead` or `erased`, and what the options throw
 */
export function loadStateAt(
  db: Knex,
  field: FieldId,
  version: number,
  { checkCost, onEntry }: PastStateOptions = {},
): Promise<FieldState> {
  return inReadTransaction(db, async (trx) => {
    const header = await readStateHeader(trx, field);
    if (!header) throw new FieldError('field_not_found');
    assertVersionKept(header, version);
    await assertNotErased(trx, field, version);
    const state = await loadSnapshotAtOrBefore(trx, field, version, header.logStart);
    if (!state) throw new FieldError('version_not_kept', { detail: describeLogStart(header) });
    if (checkCost) checkCost(await measureLog(trx, { field, after: state.version, until: version }));
    for await (const entry of readLogAfter(trx, field, state.version, version)) {
      replayUpdate(state, entry);
      await onEntry?.();
    }
    return state;
  });
}

/** @throws FieldError `erased` */
export async function assertNotErased(trx: Knex.Transaction, field: FieldId, version: number): Promise<void> {
  if (await isErasedAt(trx, field, version)) throw new FieldError('erased');
}

/** @throws FieldError `version_ahead` or `version_not_kept` */
export function assertVersionKept(header: Pick<StateHeader, 'version' | 'logStart'>, version: number): void {
  if (version > header.version)
    throw new FieldError('version_ahead', { detail: `The field is at version ${header.version}` });
  if (version < header.logStart) throw new FieldError('version_not_kept', { detail: describeLogStart(header) });
}

function describeLogStart({ logStart }: Pick<StateHeader, 'logStart'>): string {
  return `Kept from version ${logStart} on`;
}
