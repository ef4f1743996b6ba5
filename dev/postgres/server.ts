/**
 * Runs a PostgreSQL in a folder: creates it on the first start, recovers it after a `kill -9`. It listens on 127.0.0.1
 * only. Independent of the data.
 */
import { chown, mkdir, open, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type RunningProcess, type StartProcess, startProcess } from '../processes/child-process.ts';
import { readCommand } from '../processes/process-identity.ts';
import { findPostgresBinaries, type PostgresBinaries } from './binaries.ts';
import { choosePostgresUser, type PostgresUser } from './user.ts';

export interface DataFolderOptions {
  /** The folder that holds `postgres/`, `postgres.log` and `run/`. */
  folder: string;
  password: string;
  start?: StartProcess;
  printLine?: (line: string) => void;
}

export interface PostgresOptions extends DataFolderOptions {
  port: number;
  /** Further settings, for example `fsync=off`. */
  settings?: readonly string[];
}

interface DataFolder {
  readonly dataDir: string;
  readonly binaries: PostgresBinaries;
  readonly user: PostgresUser;
}

export interface PostgresServer {
  readonly port: number;
  readonly process: RunningProcess;
  /** The address of one of its databases, for the superuser `field`. */
  url(database: string): string;
}

/** Recovery after a crash replays at most `max_wal_size` (1 GB), which takes seconds, or a minute on a slow disk. */
const startDeadlineMs = 120_000;
/** The time in which the backends of a killed postmaster detect its end and exit. */
const orphanDeadlineMs = 20_000;
const stopGraceMs = 30_000;
/** An environment without PG* settings and without a locale that this machine may lack. */
const environment = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };

/** Starts the server and waits until it accepts connections. Processes of an earlier owner must have been stopped. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { dataDir, binaries, user } = await createDataFolder(options);
  await removeStalePidFile(dataDir);
  const url = (database: string) => `postgres://field:${options.password}@127.0.0.1:${options.port}/${database}`;
  const deadline = Date.now() + orphanDeadlineMs;
  for (;;) {
    const server = await launch(dataDir, binaries, user, options);
    const failure = await waitUntilAccepting(url('postgres'), dataDir, server);
    if (failure === undefined) return { port: options.port, process: server, url };
    const log = await readTail(logFile(options.folder));
    const hasOrphans = log.includes('shared memory block');
    if (!hasOrphans || Date.now() > deadline) throw new Error(`PostgreSQL did not start (${failure}):\n${log}`);
    await delay(300);
  }
}

/** Creates the folder with the server's data, unless it exists. */
export async function createDataFolder(options: DataFolderOptions): Promise<DataFolder> {
  const printLine = options.printLine ?? (() => {});
  const dataDir = resolve(options.folder, 'postgres');
  const binaries = await findPostgresBinaries();
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const start = options.start ?? startProcess;
  const user = await choosePostgresUser({
    dataDir,
    folder: resolve(options.folder),
    binary: binaries.postgres,
    start,
    printLine,
  });
  if (!(await readIfExists(join(dataDir, 'PG_VERSION')))) {
    printLine('Creating a PostgreSQL database folder');
    await initialise(dataDir, binaries, user, options);
  }
  return { dataDir, binaries, user };
}

/** Creates a database, unless it exists. */
export async function ensureDatabase(server: PostgresServer, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url('postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

/** initdb writes to a temporary folder that is renamed at the end, so that an interrupted run leaves no partial one. */
async function initialise(dataDir: string, binaries: PostgresBinaries, user: PostgresUser, options: DataFolderOptions) {
  const newDataDir = `${dataDir}.new`;
  const passwordFile = `${dataDir}.password`;
  await rm(newDataDir, { recursive: true, force: true });
  await mkdir(newDataDir, { mode: 0o700 });
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
  if (user.owner) {
    for (const path of [newDataDir, passwordFile]) await chown(path, user.owner.uid, user.owner.gid);
  }
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = ['--auth=scram-sha-256', '--username=field', `--pwfile=${passwordFile}`];
  try {
    const initdb = await run('initdb', binaries.initdb, ['-D', newDataDir, ...locale, ...access], user, options);
    const ended = await initdb.exited;
    if (ended !== 'code 0') throw new Error(`initdb failed (${ended}):\n${await readTail(logFile(options.folder))}`);
    await rmdir(dataDir);
    await rename(newDataDir, dataDir);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

function launch(dataDir: string, binaries: PostgresBinaries, user: PostgresUser, options: PostgresOptions) {
  const settings = [
    `port=${options.port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    ...(options.settings ?? []),
  ];
  const args = ['-D', dataDir, ...settings.flatMap((setting) => ['-c', setting])];
  return run('postgres', binaries.postgres, args, user, options);
}

async function run(name: string, binary: string, args: string[], user: PostgresUser, options: DataFolderOptions) {
  await rm(logFile(options.folder), { force: true });
  const log = await open(logFile(options.folder), 'w', 0o600);
  try {
    return await (options.start ?? startProcess)({
      ...user.asUser(binary, args),
      name,
      env: environment,
      cwd: '/',
      output: log.fd,
      stopSignal: 'SIGINT', // "fast": ends the sessions, writes a checkpoint.
      forceSignal: 'SIGQUIT', // "immediate": takes its children along; the next start recovers from the log.
      graceMs: stopGraceMs,
      recordIn: join(options.folder, 'run'),
    });
  } finally {
    await log.close();
  }
}

/** Undefined once it accepts connections, otherwise the reason of the failure. */
async function waitUntilAccepting(url: string, dataDir: string, server: RunningProcess): Promise<string | undefined> {
  const deadline = Date.now() + startDeadlineMs;
  while (server.isRunning) {
    const outcome = await tryConnection(url, dataDir);
    if (outcome === 'accepted') return undefined;
    if (outcome === 'refused' || Date.now() > deadline) {
      await server.stop();
      return outcome === 'refused' ? 'it rejects the password in secrets.json' : 'it took too long';
    }
    await delay(50);
  }
  return server.exited;
}

/** Also `not yet` when another PostgreSQL has the port; this server will then exit. */
async function tryConnection(url: string, dataDir: string): Promise<'accepted' | 'refused' | 'not yet'> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => {}); // The rejection below reports it.
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    return rows[0]?.data_directory === dataDir ? 'accepted' : 'not yet';
  } catch (error) {
    const isAuthenticationError = String((error as NodeJS.ErrnoException).code).startsWith('28');
    return isAuthenticationError ? 'refused' : 'not yet';
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * Removes a postmaster.pid whose pid belongs to another program by now (usual after the restart of a container), because
 * PostgreSQL would refuse to start. If the pid is a PostgreSQL, the refusal is right, and its log explains it.
 */
async function removeStalePidFile(dataDir: string): Promise<void> {
  const file = join(dataDir, 'postmaster.pid');
  const pid = Number.parseInt((await readIfExists(file)) ?? '', 10);
  if (!Number.isNaN(pid) && !readCommand(pid).includes('postgres')) await rm(file, { force: true });
}

const logFile = (folder: string) => join(folder, 'postgres.log');

async function readTail(file: string): Promise<string> {
  const lines = ((await readIfExists(file)) ?? '').trimEnd().split('\n');
  return lines.slice(-20).join('\n');
}

async function readIfExists(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
