/**
 * Puts a backup into an empty database: checks every file, migrates to the schema that the backup was taken at, loads all
 * of it in one transaction, and migrates on from there. What comes out is another installation (see `backup-tables.ts`).
 */
import { join } from 'node:path';
import type pg from 'pg';
import { updatesQueue } from '../../shared/contract/job.ts';
import { fallbackSchema } from '../../shared/queue/fallback-queue.ts';
import { migrate } from '../migrations/migrate.ts';
import { listMigrations } from '../migrations/source.ts';
import {
  listBackupTables,
  pendingJobColumns,
  pendingJobsTable,
  quoteIdentifier,
  quoteIdentifiers,
} from './backup-tables.ts';
import { withClient } from './client.ts';
import { assertDatabaseEmpty } from './empty-database.ts';
import { BackupError } from './files/backup-error.ts';
import { checkFiles } from './files/check-files.ts';
import { copyFromFile } from './files/copy-files.ts';
import { type BackupFile, type Manifest, readManifest } from './files/manifest.ts';

export interface RestoreBackupOptions {
  /** Of the backup. */
  readonly folder: string;
  readonly url: string;
  /** In bytes of files; each is read twice. */
  readonly onProgress?: (progress: { done: number; total: number; step: 'checking' | 'loading'; file: string }) => void;
}

/** @throws BackupError; the database then holds nothing but empty tables */
export async function restoreBackup({ folder, url, onProgress }: RestoreBackupOptions): Promise<Manifest> {
  const manifest = await readManifest(folder);
  const lastMigration = assertKnownSchema(manifest);
  const total = 2 * manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const reportProgress = (step: 'checking' | 'loading') => (bytes: number, file: string) => {
    done += bytes;
    onProgress?.({ done, total, step, file });
  };
  await checkFiles(folder, manifest, reportProgress('checking'));
  await withClient(url, assertDatabaseEmpty);
  await migrate(url, { through: lastMigration });
  await withClient(url, async (client) => {
    await assertSchemaNotNewer(client, manifest);
    await loadAll(client, folder, manifest, reportProgress('loading'));
    await client.query('ANALYZE');
  });
  await migrate(url);
  return manifest;
}

/** @returns the last migration that the backup had been through */
function assertKnownSchema({ migrations }: Manifest): string {
  const known = listMigrations();
  const unknown = migrations.find((name, index) => known[index] !== name);
  const last = migrations.at(-1);
  if (unknown === undefined && last !== undefined) return last;
  throw new BackupError('newer_schema', `the backup has the migration ${unknown}, which this version does not know`);
}

/** A database that has been migrated further cannot take what was written before. */
async function assertSchemaNotNewer(client: pg.Client, { migrations }: Manifest): Promise<void> {
  const { rows } = await client.query<{ name: string }>('SELECT name FROM knex_migrations ORDER BY id');
  const newerMigration = rows.find(({ name }) => !migrations.includes(name));
  if (!newerMigration) return;
  throw new BackupError('not_empty', `the database has tables of ${newerMigration.name}, which came after this backup`);
}

/** Locks all tables: other writers wait until everything is loaded, or nothing. */
async function loadAll(
  client: pg.Client,
  folder: string,
  { files, fields }: Manifest,
  onBytes: (bytes: number, file: string) => void,
): Promise<void> {
  await client.query('BEGIN');
  const tables = (await listBackupTables(client)).filter(({ table }) => table !== pendingJobsTable);
  await client.query(
    `LOCK TABLE ${tables.map(({ table }) => quoteIdentifier(table)).join(', ')} IN ACCESS EXCLUSIVE MODE`,
  );
  await assertDatabaseEmpty(client);
  const columnsOf = new Map(tables.map(({ table, columns }) => [table, columns]));
  columnsOf.set(pendingJobsTable, pendingJobColumns);
  await client.query(`
    CREATE TEMPORARY TABLE ${pendingJobsTable} (
      place bigint GENERATED ALWAYS AS IDENTITY, name text, data jsonb, opts jsonb, max_attempts int, added_at_ms bigint
    ) ON COMMIT DROP`);
  for (const file of files) {
    assertKnownColumns(file, columnsOf.get(file.table));
    await loadFile(client, folder, file, (bytes) => onBytes(bytes, file.name));
  }
  await client.query(addPendingSql);
  await assertFieldVersions(client, fields);
  await client.query('UPDATE installation SET id = gen_random_uuid(), created_at = now()');
  await client.query('COMMIT');
}

/** Through BullMQ's own function, in the order in which they were accepted. */
const addPendingSql = `
  SELECT ${fallbackSchema}.add_job(
    '${updatesQueue}', '', name, data, opts, 0, 0, added_at_ms, max_attempts, NULL, NULL, NULL, NULL, NULL, false)
  FROM (SELECT * FROM ${pendingJobsTable} ORDER BY place) AS waiting`;

function assertKnownColumns({ name, table, columns }: BackupFile, known: readonly string[] | undefined): void {
  const unknown = columns.find((column) => !known?.includes(column));
  if (known && !unknown) return;
  throw new BackupError('content', `${name} is of ${table}${unknown ? `.${unknown}` : ''}, which the schema has not`);
}

async function loadFile(
  client: pg.Client,
  folder: string,
  { name, table, columns, rows }: BackupFile,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const sql = `COPY ${quoteIdentifier(table)} (${quoteIdentifiers(columns)}) FROM STDIN`;
  const loaded = await copyFromFile(client, { sql, path: join(folder, name), onBytes }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BackupError('content', `${name} cannot be loaded: ${reason}`, { cause });
  });
  if (loaded !== rows) throw new BackupError('row_count', `${name} has ${loaded} rows, the manifest says ${rows}`);
}

async function assertFieldVersions(client: pg.Client, fields: Manifest['fields']): Promise<void> {
  const { rows } = await client.query<{ field: string; version: string }>(
    'SELECT field_id AS field, version FROM consciousness_states',
  );
  const found = new Map(rows.map(({ field, version }) => [field, Number(version)]));
  const mismatch = fields.find(({ field, version }) => found.get(field) !== version);
  if (!mismatch && found.size === fields.length) return;
  const which = mismatch
    ? `${mismatch.field} is at version ${found.get(mismatch.field)}, not ${mismatch.version}`
    : 'there are other fields';
  throw new BackupError('content', `the fields are not those of the manifest: ${which}`);
}
