/**
 * Applies erasures and revocations that are recorded beside the backups, but missing in a database that was restored or reset by
 * other means. Also continues interrupted erasures.
 */
import type { Knex } from 'knex';
import type { Records } from '../../db/backup/records/records-file.ts';
import { type ErasureRecord, listErasures } from '../../db/erase/erasure-row.ts';
import { type ErasureDeps, runErasure } from '../../db/erase/run-erasure.ts';
import { subjectOfRecord } from '../../db/erase/subject.ts';
import { reapplyRevocations } from '../../db/models/revocation.ts';
import type { Pseudonyms } from '../../shared/history/pseudonyms.ts';
import { CliError } from '../errors/cli-error.ts';

export interface AppliedRecords {
  readonly erasures: number;
  readonly revocations: number;
}

/** @param deps what an erasure needs besides the database and the key */
export async function applyRecords(
  db: Knex,
  records: Records,
  pseudonyms: Pseudonyms | undefined,
  deps: Omit<ErasureDeps, 'db' | 'pseudonyms'>,
): Promise<AppliedRecords> {
  const revocations = await reapplyRevocations(db, records.revocations);
  const stored = await listErasures(db);
  const finished = new Set(stored.filter(({ finishedAt }) => finishedAt !== null).map(({ id }) => id));
  const all = new Map(
    [...stored.map((row) => row.toRecord()), ...records.erasures].map((record) => [record.id, record]),
  );
  const missing = [...all.values()].filter(({ id }) => !finished.has(id));
  for (const record of missing) {
    const key = requireKey(pseudonyms, record);
    await runErasure({ ...deps, db, pseudonyms: key }, record, await subjectOfRecord(db, record, key));
  }
  return { erasures: missing.length, revocations };
}

/** @throws CliError `usage` if the pseudonyms of a record cannot be recognised */
export function requireKey(pseudonyms: Pseudonyms | undefined, record?: ErasureRecord): Pseudonyms {
  if (!pseudonyms) {
    throw new CliError('usage', 'ERASURE_KEY is missing: without it, nobody who was erased can be recognised.', {
      hint: 'Make one with `openssl rand -base64 48`, and set it for all processes before the first erasure. See docs/erasure.md.',
    });
  }
  if (record === undefined || record.keyCheck === pseudonyms.keyCheck) return pseudonyms;
  throw new CliError('usage', 'ERASURE_KEY is not the key of the earlier erasures.', {
    hint: 'Set the key that was used then: without it, what was erased would come back.',
  });
}
