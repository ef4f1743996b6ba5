/** Reads the changes to the revocations that a process has not seen yet. */
import type { Knex } from 'knex';
import type { ReadRevocations } from '../../shared/auth/revocation-list.ts';
import { RevocationRow } from '../models/revocation.ts';

export function createRevocationReader(db: Knex): ReadRevocations {
  return async (after) => RevocationRow.query(db).where('change', '>', after).orderBy('change');
}
