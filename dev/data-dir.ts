/** The data folder of `npm start`: server data, generated secrets, logs, process records and the lock. */
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

/** Random bytes in hexadecimal, which needs no escaping in a URL. */
const createSecretGenerator = (bytes: number) => () => randomBytes(bytes).toString('hex');

const secretsSchema = z.object({
  postgresPassword: z.string().default(createSecretGenerator(16)),
  redisPassword: z.string().default(createSecretGenerator(16)),
  jwtSecret: z.string().default(createSecretGenerator(32)),
  erasureKey: z.string().default(createSecretGenerator(32)),
  webhookKey: z.string().default(createSecretGenerator(32)),
  adminPassword: z.string().default(createSecretGenerator(8)),
});

export interface DataDir {
  path: string;
  /** The folder of the process records. */
  runFolder: string;
  secrets: z.infer<typeof secretsSchema>;
  /** Writes the addresses and settings of the stack, which the command line reads. */
  writeAddresses(config: Config): Promise<void>;
  release(): void;
}

/** Opens or creates the folder, and stops the processes that a killed owner has left running. */
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
    throw new Error(
      `${requestedPath} contains files of another user: run npm start as that user, or set FIELD_DATA_DIR`,
      {
        cause,
      },
    );
  }
}

async function stopLeftovers(runFolder: string, printLine: (line: string) => void): Promise<void> {
  const leftovers = listLiveRecords(runFolder);
  const names = leftovers.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ');
  if (names) printLine(`Stopping processes left over from an earlier run: ${names}`);
  await stopRecordedProcesses(runFolder, leftovers);
}

/** Other users may traverse but not list it, because under root PostgreSQL runs as another user. Git ignores it. */
async function createFolder(path: string): Promise<void> {
  const created = await mkdir(path, { recursive: true });
  if (created) await chmod(path, 0o711);
  await writeFile(join(path, '.gitignore'), '*\n');
}

/** The settings that a command must share with the stack. */
const sharedSettings = [
  'DATABASE_URL',
  'QUEUE_REDIS_URL',
  'CACHE_REDIS_URL',
  'QUEUE_PREFIX',
  'GRID_SIZE',
  'BACKUP_FOLDER',
  'JWT_SECRET',
  'ERASURE_KEY',
  'WEBHOOK_KEY',
  'WEBHOOK_ALLOW_HTTP',
  'WEBHOOK_ALLOW_PRIVATE',
  'JWKS_URL',
  'JWT_ISSUER',
  'JWT_AUDIENCE',
] as const;

async function writeAddresses(folder: string, config: Config): Promise<void> {
  const settings = sharedSettings.flatMap((name) => (config[name] === undefined ? [] : [[name, String(config[name])]]));
  await writePrivateFile(join(folder, addressesFile), { ...Object.fromEntries(settings), API_URL: baseUrl(config) });
}

/** Writes atomically, readable by the owner only. */
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
    throw new Error(`${file} is invalid. Repair it, or remove ${folder} to start with empty data.`, { cause });
  }
  await writePrivateFile(file, secrets);
  return secrets;
}
