/**
 * The erasures and revocations of an installation, in a file beside its backups. An older backup lacks the newest of them, so a
 * restore applies them again from this file. Erased subjects appear in it as pseudonyms only.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { erasureRecordSchema } from '../../erase/erasure-row.ts';
import { revocationSchema } from '../../models/revocation.ts';
import { BackupError } from '../files/backup-error.ts';

export const recordsFileName = 'erasures-and-revocations.json';

const recordsSchema = z.strictObject({
  format: z.literal(1),
  erasures: z.array(erasureRecordSchema),
  revocations: z.array(revocationSchema),
});
export type Records = Pick<z.infer<typeof recordsSchema>, 'erasures' | 'revocations'>;

/** @returns empty lists if the folder has no such file @throws BackupError `manifest` if it cannot be read */
export async function readRecords(folder: string): Promise<Records> {
  const path = join(folder, recordsFileName);
  try {
    return recordsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { erasures: [], revocations: [] };
    throw new BackupError('manifest', `${path} cannot be read: what was erased since would come back`, { cause });
  }
}

/** Replaces the file, unless its content would be the same. */
export async function writeRecords(folder: string, before: Records, records: Records): Promise<void> {
  const content = serialize(records);
  if (content === serialize(before)) return;
  const path = join(folder, recordsFileName);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

function serialize({ erasures, revocations }: Records): string {
  return `${JSON.stringify({ format: 1, erasures, revocations }, null, 2)}\n`;
}

/** The union of both. Of a revocation, the later change wins. After a restore, the database has less than the file. */
export function mergeRecords(one: Records, other: Records): Records {
  const erasures = new Map<string, Records['erasures'][number]>();
  for (const erasure of [...one.erasures, ...other.erasures]) {
    const devices = new Set([...(erasures.get(erasure.id)?.devices ?? []), ...erasure.devices]);
    erasures.set(erasure.id, { ...erasure, devices: [...devices] });
  }
  const revocations = new Map<string, Records['revocations'][number]>();
  for (const revocation of [...one.revocations, ...other.revocations]) {
    const key = `${revocation.kind} ${revocation.subject}`;
    if (revocation.change >= (revocations.get(key)?.change ?? 0)) revocations.set(key, revocation);
  }
  return { erasures: [...erasures.values()], revocations: [...revocations.values()] };
}
