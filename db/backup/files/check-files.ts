/** Checks that a backup is intact: every file exists and has the size and the checksum that the manifest records. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from './backup-error.ts';
import { hashFile } from './copy-files.ts';
import type { BackupFile, Manifest } from './manifest.ts';

/** @throws BackupError `missing`, `truncated` or `checksum`, which names the file */
export async function checkFiles(
  folder: string,
  { files }: Manifest,
  onBytes: (bytes: number, file: string) => void = () => undefined,
): Promise<void> {
  for (const file of files) await checkSize(folder, file);
  for (const { name, sha256 } of files) {
    const found = await hashFile(join(folder, name), (bytes) => onBytes(bytes, name));
    if (found !== sha256)
      throw new BackupError('checksum', `${name} is damaged: its checksum differs from the manifest`);
  }
}

async function checkSize(folder: string, { name, bytes }: BackupFile): Promise<void> {
  const found = await stat(join(folder, name)).catch((cause: NodeJS.ErrnoException) => {
    throw new BackupError('missing', `${name} is missing or cannot be read (${cause.code})`, { cause });
  });
  if (found.size < bytes) throw new BackupError('truncated', `${name} is truncated: ${found.size} of ${bytes} bytes`);
  if (found.size > bytes) {
    throw new BackupError('checksum', `${name} is damaged: it has ${found.size} bytes, the manifest says ${bytes}`);
  }
}
