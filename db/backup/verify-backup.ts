/** Verifies that a backup is usable: restores it into a scratch database, replays every field there, and compares. */
import { createLogger } from '../../shared/process/logger.ts';
import { connectDatabase } from '../connect.ts';
import { recordVerification } from '../models/backup.ts';
import { type FieldVerification, listFields, verifyField } from '../read/verify-field.ts';
import type { BackupSession } from './backup-lock.ts';
import { BackupError } from './files/backup-error.ts';
import { type VerificationResult, writeVerificationResult } from './files/backup-store.ts';
import { restoreBackup } from './restore-backup.ts';
import { withScratchDatabase } from './scratch-database.ts';

/** Longer than in other processes, because reading one page of a long log can take seconds on a slow disk. */
const statementTimeoutMs = 120_000;
/** Bounds the result's size: a field that differs from its first update on would list every update. */
const maxDifferences = 100;

export interface VerifyBackupOptions {
  /** The database that was backed up. The scratch database is created on the same server. */
  readonly url: string;
  readonly backup: { readonly name: string; readonly path: string };
  readonly onProgress?: (progress: { done: number; total: number; text: string }) => void;
}

/** The duration of the test restore, and what was compared after it. */
export interface RestoreDrill {
  readonly restoreSeconds: number;
  readonly compareSeconds: number;
  readonly snapshots: number;
}

interface Verification extends VerificationResult {
  /** Undefined when the backup could not be restored. */
  readonly drill?: RestoreDrill;
}

/** @returns the result, which is also written beside the manifest and recorded in the database */
export async function verifyBackup(session: BackupSession, options: VerifyBackupOptions): Promise<Verification> {
  const { backup } = options;
  const { drill, ...result } = await verify(session, options);
  await writeVerificationResult(backup.path, result);
  await recordVerification(session.db, backup.name, result.differences.length === 0);
  return { ...result, ...(drill ? { drill } : {}) };
}

async function verify({ client }: BackupSession, options: VerifyBackupOptions): Promise<Verification> {
  const at = () => new Date().toISOString();
  try {
    const { results, ...times } = await withScratchDatabase(client, options.url, (url) =>
      restoreAndReplay(url, options),
    );
    return {
      at: at(),
      fields: results.length,
      updates: results.reduce((sum, { version, replayedFrom }) => sum + version - replayedFrom, 0),
      differences: results
        .flatMap(({ field, differences }) => differences.map((text) => `${field}: ${text}`))
        .slice(0, maxDifferences),
      drill: { ...times, snapshots: results.reduce((sum, { snapshotsCompared }) => sum + snapshotsCompared, 0) },
    };
  } catch (error) {
    // A backup that cannot be restored fails verification. Other errors do not concern the backup and propagate.
    if (!(error instanceof BackupError)) throw error;
    return { at: at(), fields: 0, updates: 0, differences: [error.message] };
  }
}

interface Replay extends Pick<RestoreDrill, 'restoreSeconds' | 'compareSeconds'> {
  readonly results: readonly FieldVerification[];
}

async function restoreAndReplay(url: string, { backup, onProgress }: VerifyBackupOptions): Promise<Replay> {
  const startedAt = performance.now();
  await restoreBackup({
    folder: backup.path,
    url,
    onProgress: ({ done, total, step, file }) => onProgress?.({ done, total: 2 * total, text: `${step} ${file}` }),
  });
  const restoredAt = performance.now();
  const log = createLogger({ name: 'verify', level: 'silent' });
  const db = connectDatabase({ url, poolSize: 2, applicationName: 'field-backup', log, statementTimeoutMs });
  try {
    const verifications: FieldVerification[] = [];
    const fields = await listFields(db);
    for (const field of fields) {
      onProgress?.({
        done: fields.length + verifications.length,
        total: 2 * fields.length,
        text: `replaying ${field}`,
      });
      verifications.push(await verifyField(db, field));
    }
    return {
      results: verifications,
      restoreSeconds: (restoredAt - startedAt) / 1000,
      compareSeconds: (performance.now() - restoredAt) / 1000,
    };
  } finally {
    await db.destroy();
  }
}
