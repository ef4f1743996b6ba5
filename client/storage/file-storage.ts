/** Storage in a folder, for Node: a file for each key. Apart from the others, so that browsers need not know of files. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Storage } from './storage.ts';

/** One client at a time. A file is replaced as a whole, so that a process that is killed leaves the old or the new. */
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
