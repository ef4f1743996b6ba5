/**
 * What a backup says of itself: `manifest.json`, written last. Without one, a folder is no backup. It carries a checksum
 * of itself, so that a table which somebody has struck out of it is missed.
 */
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fieldIdSchema } from '../../../shared/contract/ids.ts';
import { BackupError } from './backup-error.ts';

export const manifestName = 'manifest.json';
export const manifestFormat = 1 as const;

const count = z.int().min(0);
const identifier = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/);

const fileSchema = z.strictObject({
  /** In the backup's folder, and nowhere else. */
  name: z.string().regex(/^[a-z0-9_.]+\.copy\.gz$/),
  /** `pending_jobs` is no table of the public schema: see `backup-tables.ts`. */
  table: identifier,
  columns: z.array(identifier).min(1),
  rows: count,
  bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const manifestSchema = z.strictObject({
  format: z.literal(manifestFormat),
  takenAt: z.iso.datetime(),
  /** Of the database that it was taken from. */
  installation: z.uuid(),
  /** The schema: every migration that had been applied, in order. */
  migrations: z.array(z.string()).min(1),
  files: z.array(fileSchema),
  fields: z.array(z.strictObject({ field: fieldIdSchema, version: count })),
});

export type BackupFile = z.infer<typeof fileSchema>;
export type Manifest = z.infer<typeof manifestSchema>;

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const file = await open(join(folder, manifestName), 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ ...manifest, sha256: computeChecksum(manifest) }, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** @throws BackupError `manifest` or `newer_schema` */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestName);
  const content = await parseFile(path);
  if (typeof content.format === 'number' && content.format > manifestFormat) {
    throw new BackupError('newer_schema', `${path} has the format ${content.format}, which only a newer version reads`);
  }
  const { sha256, ...rest } = content;
  const parsed = manifestSchema.safeParse(rest);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BackupError('manifest', `${path} is no manifest: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  if (sha256 !== computeChecksum(rest))
    throw new BackupError('manifest', `${path} has been altered: its checksum differs`);
  return parsed.data;
}

async function parseFile(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'is missing' : 'cannot be read';
    throw new BackupError('manifest', `${path} ${reason}: without a manifest this is no backup`, { cause });
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (cause) {
    throw new BackupError('manifest', `${path} is no manifest: it is not a JSON object`, { cause });
  }
}

/** Over the parsed text: however it is indented. */
function computeChecksum(manifest: object): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}
