/** Storage in a folder, for Node. A module of its own, so that bundles for browsers need no `node:fs`. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Storage } from './storage.ts';

/**
 * Stores each key as a file in a folder, which is created if necessary. Only one client may use a folder at a time. Files are
 * replaced atomically, so that a process that is killed leaves the old or the new value.
 */
export function fileStorage(folder: string): Storage {
  const pathOf = (key: string) => join(folder, encodeURIComponent(key));
  return {
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
      await writeFile(`${path}.new`, value);
      await rename(`${path}.new`, path);
    },
    remove: (key) => rm(pathOf(key), { force: true }),
  };
}
