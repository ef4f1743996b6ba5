/** The read-only door to the revocations: what has changed since a reader last looked. */
import type { Knex } from 'knex';
import type { ReadRevocations } from '../../shared/auth/revocation-list.ts';
import { RevocationRow } from '../rows.ts';

export function createRevocationReader(db: Knex): ReadRevocations {
  return async (after) => RevocationRow.query(db).where('change', '>', after).orderBy('change');
}
