/**
 * Takes a backup of the whole database in one read transaction: one compressed file per table, and a manifest. It is
 * written under a temporary name and renamed once every byte is on the disk, so that a partial backup is never listed.
 */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import type { FieldId } from '../../shared/field/ids.ts';
import { type BackupTable, listBackupTables } from './backup-tables.ts';
import { withClient } from './client.ts';
import { formatBackupName, formatPartialName } from './files/backup-names.ts';
import { copyToFile } from './files/copy-files.ts';
import { type BackupFile, type Manifest, manifestFormat, writeManifest } from './files/manifest.ts';

export interface WriteBackupOptions {
  readonly url: string;
  /** The parent folder, in which the backup's own folder is created. */
  readonly folder: string;
  readonly onProgress?: (progress: { done: number; total: number; table: string }) => void;
  readonly signal?: AbortSignal;
}

export interface WrittenBackup {
  readonly name: string;
  readonly path: string;
  readonly manifest: Manifest;
}

/** Does not block writers. Changes that are committed after the first statement are not in the backup. */
export async function writeBackup(options: WriteBackupOptions): Promise<WrittenBackup> {
  return withClient(options.url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { takenAt, installation, migrations } = await readBackupHeader(client);
    const name = formatBackupName(takenAt, installation);
    const partialPath = join(options.folder, formatPartialName(name));
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    await mkdir(partialPath, { mode: 0o700 });
    try {
      const files = await writeFiles(client, partialPath, options);
      const fields = await readVersions(client);
      const header = { format: manifestFormat, takenAt: takenAt.toISOString(), installation, migrations };
      const manifest: Manifest = { ...header, files, fields };
      await writeManifest(partialPath, manifest);
      await syncFolder(partialPath);
      options.signal?.throwIfAborted();
      const path = join(options.folder, name);
      await rename(partialPath, path);
      await syncFolder(options.folder);
      return { name, path, manifest };
    } catch (error) {
      await rm(partialPath, { recursive: true, force: true });
      throw error;
    }
  });
}

async function writeFiles(client: pg.Client, partialPath: string, options: WriteBackupOptions): Promise<BackupFile[]> {
  const tables = await listBackupTables(client);
  const counts: number[] = [];
  for (const { source } of tables) counts.push(await countRows(client, source));
  const total = counts.reduce((sum, rows) => sum + rows, 0);
  let done = 0;
  const files: BackupFile[] = [];
  for (const [index, source] of tables.entries()) {
    const { table } = source;
    const file = await writeFile(client, partialPath, source, options.signal, (rows) => {
      done += rows;
      options.onProgress?.({ done, total, table });
    });
    if (file.rows !== counts[index]) throw new Error(`${table}: expected ${counts[index]} rows, received ${file.rows}`);
    files.push(file);
  }
  return files;
}

async function writeFile(
  client: pg.Client,
  partialPath: string,
  { table, columns, source }: BackupTable,
  signal: AbortSignal | undefined,
  onRows: (rows: number) => void,
): Promise<BackupFile> {
  const name = `${table}.copy.gz`;
  const sql = `COPY ${source} TO STDOUT`;
  const written = await copyToFile(client, { sql, path: join(partialPath, name), onRows, signal });
  return { name, table, columns: [...columns], ...written };
}

async function countRows(client: pg.Client, source: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${source} AS counted`);
  return Number(rows[0]?.count);
}

async function readBackupHeader(client: pg.Client) {
  const { rows } = await client.query<{ takenAt: Date; installation: string; migrations: string[] }>(`
    SELECT now() AS "takenAt", (SELECT id FROM installation) AS installation,
      (SELECT array_agg(name ORDER BY id) FROM knex_migrations) AS migrations`);
  const [header] = rows;
  if (!header) throw new Error('the database has no installation id');
  return header;
}

async function readVersions(client: pg.Client) {
  const { rows } = await client.query<{ field: FieldId; version: string }>(
    'SELECT field_id AS field, version FROM consciousness_states ORDER BY field_id',
  );
  return rows.map(({ field, version }) => ({ field, version: Number(version) }));
}

/** A new or renamed entry survives a power failure only once its folder has been synced. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
