/**
 * Runs a Redis (or Valkey) in a folder, configured so that acknowledged writes are on disk. It listens on 127.0.0.1 only
 * and requires a password. Independent of the data.
 */
import { chmod, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { withTimeoutValue } from '../../shared/process/with-timeout.ts';
import { type RunningProcess, type StartProcess, startProcess } from '../processes/child-process.ts';

export interface RedisOptions {
  /** The path of redis-server or valkey-server. */
  binary: string;
  /** The folder that holds `redis/`, `redis.conf`, `redis.log` and `run/`. */
  folder: string;
  port: number;
  password: string;
  /** Settings that replace those below, for example `{ appendfsync: 'everysec' }`. */
  settings?: Readonly<Record<string, string>>;
  start?: StartProcess;
  /** The folder of the process record; `<folder>/run` unless given. */
  recordIn?: string;
}

export interface RedisServer {
  readonly port: number;
  readonly process: RunningProcess;
  /** The address of one of its databases, 0 to 15. */
  url(database: number): string;
}

/** Loading a large append-only file takes several seconds per gigabyte. */
const startDeadlineMs = 120_000;
const stopGraceMs = 15_000;

/** One server has both roles. The queue requires durability and no eviction; the cache works with that as well. */
const durableSettings = {
  appendonly: 'yes',
  appendfsync: 'always',
  'maxmemory-policy': 'noeviction',
  save: '',
};

/** Starts the server and waits until it has loaded its data. Processes of an earlier owner must have been stopped. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { folder, port } = options;
  const config = join(folder, 'redis.conf');
  const logFile = join(folder, 'redis.log');
  const dataFolder = join(folder, 'redis');
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  // Redis creates its files readable for everyone, and earlier releases also created the folder like that.
  await chmod(dataFolder, 0o700);
  await writeFile(config, renderConfig(options), { mode: 0o600 });
  await rm(logFile, { force: true });
  const log = await open(logFile, 'w', 0o600);
  const server = await (options.start ?? startProcess)({
    name: 'redis',
    command: options.binary,
    args: [config],
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    output: log.fd,
    stopSignal: 'SIGTERM',
    graceMs: stopGraceMs,
    recordIn: options.recordIn ?? join(folder, 'run'),
  }).finally(() => log.close());
  const url = (database: number) => `redis://:${options.password}@127.0.0.1:${port}/${database}`;
  const failure = await waitUntilLoaded(url(0), server);
  if (failure === undefined) return { port, process: server, url };
  await server.stop();
  throw new Error(`${options.binary} did not start (${failure}):\n${await readFile(logFile, 'utf8')}`);
}

/** Passes the settings in a file, because every user of the machine can read command lines, and one setting is a password. */
function renderConfig(options: RedisOptions): string {
  const settings: Record<string, string> = {
    bind: '127.0.0.1',
    port: String(options.port),
    dir: join(options.folder, 'redis'),
    requirepass: options.password,
    daemonize: 'no',
    ...durableSettings,
    ...options.settings,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}\n`)
    .join('');
}

/** Undefined once it responds, otherwise the reason. ioredis queues commands until the server has loaded its data. */
async function waitUntilLoaded(url: string, server: RunningProcess): Promise<string | undefined> {
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50, connectTimeout: 2000 });
  redis.on('error', () => {}); // ioredis reconnects until the deadline or the end of the process.
  const loaded = Promise.race([waitForOwnServer(redis, server), server.exited]);
  try {
    return await withTimeoutValue(loaded, startDeadlineMs, `no response within ${startDeadlineMs / 1000} s`);
  } finally {
    redis.disconnect();
  }
}

/** If another Redis has the port, this server will exit soon: this then stays pending, and the exit decides. */
async function waitForOwnServer(redis: Redis, server: RunningProcess): Promise<undefined> {
  const pid = /^process_id:(\d+)/m.exec(await redis.info('server'))?.[1];
  if (Number(pid) !== server.pid) await new Promise<never>(() => {});
}
