/** Checks that a process has the key by which the erased devices of this installation are recognised. */
import type { Knex } from 'knex';
import type { Pseudonyms } from '../../../shared/history/pseudonyms.ts';

/** @returns a problem of the configuration; undefined if there is none, or nothing was ever erased */
export async function findErasureKeyProblem(db: Knex, pseudonyms: Pseudonyms | undefined): Promise<string | undefined> {
  const erasure = await db('erasures').first('key_check');
  if (!erasure || erasure.key_check === pseudonyms?.keyCheck) return undefined;
  return pseudonyms
    ? 'ERASURE_KEY is not the key with which devices of this installation were erased, so that they would not be recognised'
    : 'ERASURE_KEY is missing, without which the erased devices of this installation would not be recognised';
}
