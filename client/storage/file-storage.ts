/** Storage in a folder, for Node. A separate module, so that bundles for browsers need no `node:fs`. */
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type PersistentStorage, persistentStorage } from './persistent-storage.ts';

/**
 * Stores each key as a file in a folder, which is created if necessary. Only one client may use a folder at a time. Files are
 * replaced atomically and synchronised to the disk, so that a process that is killed, and a machine that loses power, leave the
 * old or the new value.
 */
export function fileStorage(folder: string): PersistentStorage {
  const pathOf = (key: string) => join(folder, encodeURIComponent(key));
  return persistentStorage({
    async get(key) {
      try {
        return await readFile(pathOf(key), 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
        throw error;
      }
    },
    async set(key, value) {
      await mkdir(folder, { recursive: true });
      const path = pathOf(key);
      await synchronize(await open(`${path}.new`, 'w'), value);
      await rename(`${path}.new`, path);
      // Windows cannot open a folder, and persists its entries by itself.
      if (process.platform !== 'win32') await synchronize(await open(folder, 'r'));
    },
    remove: (key) => rm(pathOf(key), { force: true }),
  });
}

/** Closes the file after its content has reached the disk. */
async function synchronize(file: FileHandle, content?: string): Promise<void> {
  try {
    if (content !== undefined) await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
