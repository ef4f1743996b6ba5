/** Counts what an erasure would erase, without changing anything. */
import type { Knex } from 'knex';
import { eraseRegisters, pseudonymousDevice } from '../../shared/field/erasure.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { loadStoredState } from '../read/load-state.ts';
import { inReadTransaction } from '../read-transaction.ts';
import { createStampFilter, findErasableClocks, findErasableConflicts, findErasableEntries } from './erasable.ts';
import type { ErasureSubject } from './subject.ts';

export interface ErasurePreview {
  readonly field: FieldId;
  readonly entries: number;
  readonly registers: number;
  readonly conflicts: number;
  readonly clocks: number;
}

export async function previewErasure(db: Knex, field: FieldId, subject: ErasureSubject): Promise<ErasurePreview> {
  return inReadTransaction(db, async (trx) => {
    const entries = await findErasableEntries(trx, field, subject, 0);
    const conflicts = await findErasableConflicts(trx, field, subject, entries);
    const clocks = await findErasableClocks(trx, field, subject);
    const state = await loadStoredState(trx, field);
    const erased = state && eraseRegisters(state, createStampFilter(subject, entries), pseudonymousDevice('preview'));
    const counts = { entries: entries.length, conflicts: conflicts.length, clocks: clocks.length };
    return { field, ...counts, registers: erased?.registers ?? 0 };
  });
}
