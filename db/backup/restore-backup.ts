/**
 * Restores a backup into an empty database: checks every file, migrates to the schema of the backup, loads all rows in
 * one transaction, and applies the newer migrations. The result is a new installation (see `backup-tables.ts`).
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
  /** The backup's own folder. */
  readonly folder: string;
  readonly url: string;
  /** `done` and `total` are in bytes. Every file is read twice, once to check it and once to load it. */
  readonly onProgress?: (progress: { done: number; total: number; step: 'checking' | 'loading'; file: string }) => void;
}

/** @throws BackupError when the backup cannot be used; no row has been loaded then */
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

/** @returns the last migration that had been applied when the backup was taken */
function assertKnownSchema({ migrations }: Manifest): string {
  const known = listMigrations();
  const unknown = migrations.find((name, index) => known[index] !== name);
  const last = migrations.at(-1);
  if (unknown === undefined && last !== undefined) return last;
  throw new BackupError('newer_schema', `the backup contains migration ${unknown}, which this version does not have`);
}

/** Rows of an older schema cannot be loaded into a database that has already been migrated past it. */
async function assertSchemaNotNewer(client: pg.Client, { migrations }: Manifest): Promise<void> {
  const { rows } = await client.query<{ name: string }>('SELECT name FROM knex_migrations ORDER BY id');
  const newerMigration = rows.find(({ name }) => !migrations.includes(name));
  if (!newerMigration) return;
  throw new BackupError(
    'not_empty',
    `the database has migration ${newerMigration.name}, which is newer than this backup`,
  );
}

/** Loads all files in one transaction, with every table locked so that other writers wait until it ends. */
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
  await deleteRuleSettings(client);
  const columnsOf = new Map(tables.map(({ table, columns }) => [table, columns]));
  columnsOf.set(pendingJobsTable, pendingJobColumns);
  await client.query(`
    CREATE TEMPORARY TABLE ${pendingJobsTable} (
      position bigint GENERATED ALWAYS AS IDENTITY,
      name text, data jsonb, opts jsonb, max_attempts int, added_at_ms bigint
    ) ON COMMIT DROP`);
  for (const file of files) {
    assertKnownColumns(file, columnsOf.get(file.table));
    await loadFile(client, folder, file, (bytes) => onBytes(bytes, file.name));
  }
  await client.query(addPendingSql);
  await assertFieldVersions(client, fields);
  await client.query('UPDATE installation SET id = gen_random_uuid(), created_at = now()');
  if (columnsOf.has('webhooks')) await client.query(pauseWebhooksSql);
  await client.query('COMMIT');
}

/** A restored copy must not send to the receivers of the original, which may already have received more than the copy has. */
const pauseWebhooksSql = `
  UPDATE webhooks SET status = 'paused', lease = NULL, leased_until = NULL,
    last_error = 'the database was restored from a backup: replay what is missing, and resume'`;

/** A worker that was started on the empty database has recorded its own settings, but the fields need those of the backup. */
async function deleteRuleSettings(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ exists: boolean }>(`SELECT to_regclass('rule_settings') IS NOT NULL AS exists`);
  if (rows[0]?.exists) await client.query('DELETE FROM rule_settings');
}

/** Adds jobs in the order in which they were accepted, by BullMQ's own function, so as not to depend on its tables. */
const addPendingSql = `
  SELECT ${fallbackSchema}.add_job(
    '${updatesQueue}', '', name, data, opts, 0, 0, added_at_ms, max_attempts, NULL, NULL, NULL, NULL, NULL, false)
  FROM (SELECT * FROM ${pendingJobsTable} ORDER BY position) AS pending`;

function assertKnownColumns({ name, table, columns }: BackupFile, known: readonly string[] | undefined): void {
  const unknown = columns.find((column) => !known?.includes(column));
  if (known && !unknown) return;
  throw new BackupError(
    'content',
    `${name} contains ${table}${unknown ? `.${unknown}` : ''}, which is not in the schema`,
  );
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
  const detail = mismatch
    ? `${mismatch.field} is at version ${found.get(mismatch.field)}, not ${mismatch.version}`
    : 'the backup contains fields that the manifest does not list';
  throw new BackupError('content', `the fields do not match the manifest: ${detail}`);
}
