/** The steps of the benchmark. Each runs in a process of its own, so that its peak memory can be measured. */
import { createHash } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { type ExportProgress, exportLog } from '../../cli/exchange/export-lines.ts';
import { writeOutput } from '../../cli/exchange/output-file.ts';
import { BackupError } from '../../db/backup/files/backup-error.ts';
import { restoreBackup } from '../../db/backup/restore-backup.ts';
import { writeBackup } from '../../db/backup/write-backup.ts';
import { connectDatabase } from '../../db/connect.ts';
import { createFieldReader } from '../../db/read/field-reader.ts';
import { listFields, verifyField } from '../../db/read/verify-field.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeState } from '../../shared/cache/state-serializer.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { writeLongLogs } from './long-logs.ts';
import { createProgress } from './progress.ts';
import { pruneOlderPart } from './prune-older-part.ts';
import { hashRows, readSizes } from './tables.ts';

export interface StepOptions {
  readonly url: string;
  /** For files that the step writes or reads. */
  readonly folder: string;
  readonly updates: number;
  readonly fields: number;
}

/** `updates` is how many the step has processed, from which the parent computes their rate. */
export type StepResult = Readonly<Record<string, string | number | undefined>>;

/** A single statement over all rows of ten million updates takes minutes. */
const statementTimeoutMs = 3_600_000;
const log = createLogger({ name: 'bench', level: 'silent' });

async function withDatabase<Result>(url: string, work: (db: Knex) => Promise<Result>): Promise<Result> {
  const db = connectDatabase({ url, poolSize: 2, applicationName: 'bench', log, statementTimeoutMs });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}

export const steps: Readonly<Record<string, (options: StepOptions) => Promise<StepResult>>> = {
  async write({ url, updates, fields }) {
    const onProgress = createProgress('written');
    return withDatabase(url, async (db) => ({ updates: await writeLongLogs(db, { updates, fields, onProgress }) }));
  },
  size: ({ url }) => withDatabase(url, readSizes),
  load: ({ url }) =>
    withDatabase(url, async (db) => {
      const reader = createFieldReader(db);
      await reader.ping(); // Connecting is not part of the time.
      const hash = createHash('sha256');
      let [slowestMs, bytes] = [0, 0];
      for (const field of await listFields(db)) {
        const startedAt = performance.now();
        const state = await reader.loadState(field);
        slowestMs = Math.max(slowestMs, performance.now() - startedAt);
        const json = state ? serializeState(toFragments(state)) : Buffer.alloc(0);
        hash.update(json);
        bytes += json.length;
      }
      return {
        ms: Math.round(10 * slowestMs) / 10,
        kilobytes: Math.round(bytes / 1000),
        state: shorten(hash.digest()),
      };
    }),
  export: ({ url, folder }) =>
    withDatabase(url, async (db) => {
      let [updates, bytes] = [0, 0];
      for (const field of await listFields(db)) {
        const { done, size } = await exportToFile(db, field, folder);
        updates += done;
        bytes += size;
      }
      return { updates, megabytes: Math.round(bytes / 1e6) };
    }),
  async backup({ url, folder }) {
    const { path, manifest } = await writeBackup({ url, folder });
    const sum = (key: 'rows' | 'bytes') => manifest.files.reduce((total, file) => total + file[key], 0);
    const updates = manifest.files.find(({ table }) => table === 'field_updates')?.rows ?? 0;
    return { updates, rows: sum('rows'), megabytes: Math.round(sum('bytes') / 1e6), path };
  },
  async restore({ url, folder }) {
    try {
      const { files } = await restoreBackup({ folder, url });
      const updates = files.find(({ table }) => table === 'field_updates')?.rows ?? 0;
      return { updates, rows: files.reduce((total, { rows }) => total + rows, 0) };
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      return { rejected: error.check };
    }
  },
  hash: ({ url }) => withDatabase(url, async (db) => ({ rows: await hashRows(db) })),
  verify: ({ url }) =>
    withDatabase(url, async (db) => {
      let [updates, snapshots, differences, replayedFrom] = [0, 0, 0, 0];
      for (const field of await listFields(db)) {
        const verification = await verifyField(db, field, { onVersion: createProgress(`${field} is replayed`) });
        updates += verification.version - verification.replayedFrom;
        snapshots += verification.snapshotsCompared;
        differences += verification.differences.length;
        replayedFrom = Math.max(replayedFrom, verification.replayedFrom);
      }
      return { updates, replayedFrom, snapshots, differences };
    }),
  prune: ({ url }) => withDatabase(url, async (db) => pruneOlderPart(db, log)),
};

async function exportToFile(db: Knex, field: FieldId, folder: string): Promise<{ done: number; size: number }> {
  const progress: ExportProgress = { done: 0, total: 0, version: 0 };
  const file = `${field}.ndjson`;
  const { signal } = new AbortController();
  const context = { cwd: folder, stdout: process.stdout };
  await writeOutput(exportLog(db, field, progress), { file, force: false, signal }, context);
  const { size } = await stat(join(folder, file));
  await rm(join(folder, file)); // The later steps need the space.
  return { done: progress.done, size };
}

function shorten(hash: Buffer): string {
  return hash.toString('hex', 0, 8);
}
