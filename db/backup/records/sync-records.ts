/** Writes the erasures and revocations of the database beside its backups. */
import type { Knex } from 'knex';
import { listErasures } from '../../erase/erasure-row.ts';
import { RevocationRow } from '../../models/revocation.ts';
import { mergeRecords, type Records, readRecords, writeRecords } from './records-file.ts';

/** Adds what is not there yet, and never removes anything. @throws BackupError if the file cannot be read */
export async function syncRecords(db: Knex, folder: string): Promise<void> {
  const before = await readRecords(folder);
  await writeRecords(folder, before, mergeRecords(before, await readStored(db)));
}

async function readStored(db: Knex): Promise<Records> {
  const erasures = (await listErasures(db)).map((row) => row.toRecord());
  const rows = await RevocationRow.query(db).orderBy('change');
  const revocations = rows.map(({ kind, subject, revokedAt, reason, isLifted, change }) => ({
    ...{ kind, subject, revokedAt, reason, isLifted, change },
  }));
  return { erasures, revocations };
}
