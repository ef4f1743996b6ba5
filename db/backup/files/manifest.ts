/**
 * The manifest of a backup, `manifest.json`. It is written last, so a folder without one is not a backup. It contains a
 * checksum of itself, so that a manifest from which a table was removed is rejected.
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
  /** A plain file name: the pattern rules out paths that lead out of the backup's folder. */
  name: z.string().regex(/^[a-z0-9_.]+\.copy\.gz$/),
  /** A table of the public schema, or `pending_jobs` (see `backup-tables.ts`). */
  table: identifier,
  columns: z.array(identifier).min(1),
  rows: count,
  bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const manifestSchema = z.strictObject({
  format: z.literal(manifestFormat),
  takenAt: z.iso.datetime(),
  /** The id of the installation that was backed up. */
  installation: z.uuid(),
  /** Every migration that had been applied, in order. Together they identify the schema. */
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
    throw new BackupError('newer_schema', `${path} has format ${content.format}, which only a newer version can read`);
  }
  const { sha256, ...rest } = content;
  const parsed = manifestSchema.safeParse(rest);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BackupError('manifest', `${path} is not a valid manifest: ${issue?.path.join('.')}: ${issue?.message}`);
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
    throw new BackupError('manifest', `${path} ${reason}: a folder without a manifest is not a backup`, { cause });
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (cause) {
    throw new BackupError('manifest', `${path} is not a valid manifest: it is not a JSON object`, { cause });
  }
}

/** Computed over the parsed content, so that indentation does not matter. */
function computeChecksum(manifest: object): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}
