/**
 * A real Redis (or Valkey) in a folder, set so that what it acknowledged is on the disk. Listens on 127.0.0.1 only and
 * asks for a password. Knows nothing of what is stored in it.
 */
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
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
  /** Where the process is written down; `<folder>/run` unless given. */
  recordIn?: string;
}

export interface RedisServer {
  readonly port: number;
  readonly process: RunningProcess;
  /** The address of one of its databases, 0 to 15. */
  url(database: number): string;
}

/** Loading a large append-only file takes some seconds per gigabyte. */
const START_DEADLINE_MS = 120_000;
const STOP_GRACE_MS = 15_000;

/** One server plays both roles: for the queue it must neither lose nor evict anything, and the cache is content with that. */
const durableSettings = {
  appendonly: 'yes',
  appendfsync: 'always',
  'maxmemory-policy': 'noeviction',
  save: '',
};

/** Starts the server and waits until it has loaded its data. The leftovers of an earlier owner must be stopped before. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { folder, port } = options;
  const config = join(folder, 'redis.conf');
  const logFile = join(folder, 'redis.log');
  await mkdir(join(folder, 'redis'), { recursive: true });
  await writeFile(config, renderConfig(options), { mode: 0o600 });
  const log = await open(logFile, 'w');
  const server = await (options.start ?? startProcess)({
    name: 'redis',
    command: options.binary,
    args: [config],
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    output: log.fd,
    stopSignal: 'SIGTERM',
    graceMs: STOP_GRACE_MS,
    recordIn: options.recordIn ?? join(folder, 'run'),
  }).finally(() => log.close());
  const url = (database: number) => `redis://:${options.password}@127.0.0.1:${port}/${database}`;
  const failure = await waitUntilLoaded(url(0), server);
  if (failure === undefined) return { port, process: server, url };
  await server.stop();
  throw new Error(`${options.binary} did not start (${failure}):\n${await readFile(logFile, 'utf8')}`);
}

/** A file, and not the command line, since everybody on the machine can read that. */
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

/** Undefined once it answers, else why not. ioredis holds commands back until the server has loaded its data. */
async function waitUntilLoaded(url: string, server: RunningProcess): Promise<string | undefined> {
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50, connectTimeout: 2000 });
  redis.on('error', () => {}); // It is not up yet: tried again until the deadline, or until the process ends.
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, START_DEADLINE_MS, `it did not answer for ${START_DEADLINE_MS / 1000} s`);
  });
  try {
    return await Promise.race([waitForOwnServer(redis, server), timeout, server.exited]);
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}

/** When another Redis answers, ours will soon end, for its port is taken: then this settles no more. */
async function waitForOwnServer(redis: Redis, server: RunningProcess): Promise<undefined> {
  const pid = /^process_id:(\d+)/m.exec(await redis.info('server'))?.[1];
  if (Number(pid) !== server.pid) await new Promise<never>(() => {});
}
