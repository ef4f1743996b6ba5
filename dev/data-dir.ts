/** The folder in which `npm start` keeps everything: the servers' data, made-up secrets, logs, and who owns it. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../shared/config/config.ts';
import { baseUrl } from './base-url.ts';
import { acquireDataDirLock } from './data-dir-lock.ts';
import { findLaunchers } from './processes/parent-watcher.ts';
import { listLiveRecords, stopRecordedProcesses } from './processes/pid-files.ts';

const addressesFile = 'stack.json';

/** 32 random bytes as hex are 64 characters that need no escaping, in a URL or anywhere. */
const createSecretGenerator = (bytes: number) => () => randomBytes(bytes).toString('hex');

const secretsSchema = z.object({
  postgresPassword: z.string().default(createSecretGenerator(16)),
  redisPassword: z.string().default(createSecretGenerator(16)),
  jwtSecret: z.string().default(createSecretGenerator(32)),
  adminPassword: z.string().default(createSecretGenerator(8)),
});

export interface DataDir {
  path: string;
  /** Where the processes are recorded. */
  runFolder: string;
  secrets: z.infer<typeof secretsSchema>;
  /** Writes down where everything is, for the command `field` to find. */
  writeAddresses(config: Config): Promise<void>;
  release(): void;
}

/** Opens the folder, creating what is missing, and stops what an owner that was killed has left running. */
export async function openDataDir(requestedPath: string, printLine: (line: string) => void): Promise<DataDir> {
  try {
    await createFolder(requestedPath);
    const path = await realpath(requestedPath);
    const unlock = await acquireDataDirLock(path, findLaunchers(), printLine);
    const release = () => {
      rmSync(join(path, addressesFile), { force: true });
      unlock();
    };
    const runFolder = join(path, 'run');
    await stopLeftovers(runFolder, printLine);
    const secrets = await readSecrets(path);
    return { path, runFolder, secrets, writeAddresses: (config) => writeAddresses(path, config), release };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EACCES') throw cause;
    throw new Error(`${requestedPath} holds files of another user: run npm start as that user, or set FIELD_DATA_DIR`, {
      cause,
    });
  }
}

async function stopLeftovers(runFolder: string, printLine: (line: string) => void): Promise<void> {
  const leftovers = listLiveRecords(runFolder);
  const names = leftovers.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ');
  if (names) printLine(`Stopping what an earlier run has left behind: ${names}`);
  await stopRecordedProcesses(runFolder, leftovers);
}

/** Others may pass through (as root, PostgreSQL runs as another user) but list nothing; git ignores it wherever it is. */
async function createFolder(path: string): Promise<void> {
  const created = await mkdir(path, { recursive: true });
  if (created) await chmod(path, 0o711);
  await writeFile(join(path, '.gitignore'), '*\n');
}

/** The settings that a command must share with the stack, to find it and to mean the same. */
const sharedSettings = [
  'DATABASE_URL',
  'QUEUE_REDIS_URL',
  'CACHE_REDIS_URL',
  'QUEUE_PREFIX',
  'GRID_SIZE',
  'BACKUP_FOLDER',
  'JWT_SECRET',
  'JWKS_URL',
  'JWT_ISSUER',
  'JWT_AUDIENCE',
] as const;

async function writeAddresses(folder: string, config: Config): Promise<void> {
  const settings = sharedSettings.flatMap((name) => (config[name] === undefined ? [] : [[name, String(config[name])]]));
  await writePrivateFile(join(folder, addressesFile), { ...Object.fromEntries(settings), API_URL: baseUrl(config) });
}

/** All at once, and for nobody else to read. */
async function writePrivateFile(file: string, content: object): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function readSecrets(folder: string): Promise<DataDir['secrets']> {
  const file = join(folder, 'secrets.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  let secrets: DataDir['secrets'];
  try {
    secrets = secretsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${file} cannot be read. Mend it, or remove ${folder} to start from nothing.`, { cause });
  }
  await writePrivateFile(file, secrets);
  return secrets;
}
