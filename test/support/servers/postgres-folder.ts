/** The data folder of a new PostgreSQL. `npm test` creates one, which tests copy: initdb takes a second of CPU. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { createDataFolder, type DataFolderOptions } from '../../../dev/postgres/server.ts';
import { withFolder } from '../with-folder.ts';

/** In the folder of the run. */
const originalName = 'new-postgres';
export const testPassword = 'test';

/** Creates the folder that tests copy. */
export async function createOriginal(options: Omit<DataFolderOptions, 'password'>): Promise<void> {
  const folder = join(options.folder, originalName);
  await mkdir(folder);
  await createDataFolder({ ...options, folder, password: testPassword });
}

/** Copies the folder, with its owner, to where `startPostgres` finds it. */
export async function copyOriginal(runFolder: string, folder: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', join(runFolder, originalName, 'postgres'), join(folder, 'postgres')]);
}

/** A folder in which `startPostgres` starts a server with `testPassword`. */
export async function withPostgresFolder(t: Test): Promise<string> {
  const folder = await withFolder(t);
  await copyOriginal(process.env.TEST_FOLDER ?? '', folder);
  return folder;
}
