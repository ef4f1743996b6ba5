/** The proof that a backup can be used: restores it into a scratch database, replays every field there, and compares. */
import type pg from 'pg';
import { createLog } from '../../shared/process/logger.ts';
import { connectDatabase } from '../connect.ts';
import { listFields, type Verification, verifyField } from '../read/verify-field.ts';
import { recordVerification } from './backup-records.ts';
import { BackupError } from './files/backup-error.ts';
import { type Verdict, writeVerdict } from './files/backup-store.ts';
import { restoreBackup } from './restore-backup.ts';
import { withScratchDatabase } from './scratch-database.ts';

/** A page of a long log may take its time. */
const statementTimeoutMs = 120_000;
/** What is wrong from end to end need not be said of every update. */
const maxDifferences = 100;

export interface VerifyOrder {
  /** Of the database that lends its server. */
  readonly url: string;
  readonly backup: { readonly name: string; readonly path: string };
  readonly onProgress?: (progress: { done: number; total: number; text: string }) => void;
}

/** @param client holds the lock. @returns what is written beside the manifest, too */
export async function verifyBackup(client: pg.Client, order: VerifyOrder): Promise<Verdict> {
  const { backup } = order;
  const verdict = await judge(client, order);
  await writeVerdict(backup.path, verdict);
  await recordVerification(client, backup.name, verdict.differences.length === 0);
  return verdict;
}

async function judge(client: pg.Client, order: VerifyOrder): Promise<Verdict> {
  const at = () => new Date().toISOString();
  try {
    const results = await withScratchDatabase(client, order.url, (url) => restoreAndReplay(url, order));
    return {
      at: at(),
      fields: results.length,
      updates: results.reduce((sum, { version, replayedFrom }) => sum + version - replayedFrom, 0),
      differences: results
        .flatMap(({ field, differences }) => differences.map((text) => `${field}: ${text}`))
        .slice(0, maxDifferences),
    };
  } catch (error) {
    // A backup that cannot be restored is an answer; a server that is away is none.
    if (!(error instanceof BackupError)) throw error;
    return { at: at(), fields: 0, updates: 0, differences: [error.message] };
  }
}

async function restoreAndReplay(url: string, { backup, onProgress }: VerifyOrder): Promise<Verification[]> {
  await restoreBackup({
    folder: backup.path,
    url,
    onProgress: ({ done, total, step, file }) => onProgress?.({ done, total: 2 * total, text: `${step} ${file}` }),
  });
  const log = createLog({ name: 'verify', level: 'silent' });
  const db = connectDatabase({ url, poolSize: 2, applicationName: 'field-backup', log, statementTimeoutMs });
  try {
    const results: Verification[] = [];
    const fields = await listFields(db);
    for (const field of fields) {
      onProgress?.({ done: fields.length + results.length, total: 2 * fields.length, text: `replaying ${field}` });
      results.push(await verifyField(db, field));
    }
    return results;
  } finally {
    await db.destroy();
  }
}
