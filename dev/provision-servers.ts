/** Completes the environment for development: starts the servers for which no URL is set, and makes up the secrets. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../shared/config/config.ts';
import { type DataDir, openDataDir } from './data-dir.ts';
import { ensureDatabase, startPostgres } from './postgres/server.ts';
import { findFreePort } from './processes/free-port.ts';
import { startGuard } from './processes/node-process.ts';
import type { ProcessStack } from './processes/process-group.ts';
import { findOrInstallRedis } from './redis/install.ts';
import { startRedis } from './redis/server.ts';

/** Beside the usual ports, so that a server of the machine's own is not in the way. */
const POSTGRES_PORT = 54329;
const REDIS_PORT = 63799;
const WORKER_METRICS_PORT = 9464;
const MAX_PORTS = 3;
const DEFAULT_FOLDER = fileURLToPath(new URL('../.field', import.meta.url));

type Environment = Readonly<Record<string, string | undefined>>;

export interface Preparation {
  env: Environment;
  stack: ProcessStack;
  say: (line: string) => void;
  /** Told as soon as the folder is ours, and so has to be given back. */
  onOpen: (data: DataDir) => void;
}

/** The environment in which the API and the worker are to run. */
export async function prepareDevelopment({ env, stack, say, onOpen }: Preparation): Promise<Environment> {
  refuseBadSettings(env);
  const data = await openDataDir(resolve(env.FIELD_DATA_DIR || DEFAULT_FOLDER), say);
  onOpen(data);
  await startGuard(stack.start, data.runFolder);
  const databaseUrl = env.DATABASE_URL || (await startDatabase(data, stack, say));
  const redisUrl = env.QUEUE_REDIS_URL && env.CACHE_REDIS_URL ? undefined : await startQueueAndCache(data, stack, say);
  const host = env.HOST || '127.0.0.1';
  return {
    ...env,
    DATABASE_URL: databaseUrl,
    QUEUE_REDIS_URL: env.QUEUE_REDIS_URL || redisUrl?.(0),
    CACHE_REDIS_URL: env.CACHE_REDIS_URL || redisUrl?.(1),
    HOST: host,
    PORT: String(await choosePort('The API', Number(env.PORT || 3000), host, say)),
    METRICS_PORT: String(await chooseMetricsPort(env, say)),
    BACKUP_FOLDER: env.BACKUP_FOLDER || join(data.path, 'backups'),
    ADMIN_PASSWORD: env.ADMIN_PASSWORD || data.secrets.adminPassword,
    ...(env.JWT_SECRET || env.JWKS_URL ? {} : { JWT_SECRET: data.secrets.jwtSecret }),
  };
}

/** Says what is wrong before anything is started: what is missing will be there by then. */
function refuseBadSettings(env: Environment): void {
  loadConfig({
    ...env,
    DATABASE_URL: env.DATABASE_URL || 'postgres://to-be-started',
    QUEUE_REDIS_URL: env.QUEUE_REDIS_URL || 'redis://to-be-started',
    CACHE_REDIS_URL: env.CACHE_REDIS_URL || 'redis://to-be-started',
    ...(env.JWT_SECRET || env.JWKS_URL ? {} : { JWT_SECRET: 'to be made up'.padEnd(32, '.') }),
  });
}

async function startDatabase(data: DataDir, stack: ProcessStack, say: (line: string) => void): Promise<string> {
  const password = data.secrets.postgresPassword;
  const server = await startOnFreePort({ who: 'PostgreSQL', wanted: POSTGRES_PORT, say }, (port) =>
    startPostgres({ folder: data.path, port, password, start: stack.start, say }),
  );
  await ensureDatabase(server, 'field');
  say(`PostgreSQL runs on 127.0.0.1:${server.port}`);
  return server.url('field');
}

async function startQueueAndCache(data: DataDir, stack: ProcessStack, say: (line: string) => void) {
  const binary = await findOrInstallRedis({ folder: data.path, start: stack.start, say });
  const password = data.secrets.redisPassword;
  const server = await startOnFreePort({ who: 'Redis', wanted: REDIS_PORT, say }, (port) =>
    startRedis({ binary, folder: data.path, port, password, start: stack.start }),
  );
  say(`Redis runs on 127.0.0.1:${server.port} (${binary})`);
  return server.url;
}

interface PortRequest {
  readonly who: string;
  readonly wanted: number;
  readonly say: (line: string) => void;
}

/** A port that was free may be taken a moment later, by another stack that starts beside this one. */
async function startOnFreePort<Server>(
  { who, wanted, say }: PortRequest,
  start: (port: number) => Promise<Server>,
): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await choosePort(who, attempt === 1 ? wanted : 0, '127.0.0.1', say));
    } catch (error) {
      if (attempt === MAX_PORTS || !String(error).includes('Address already in use')) throw error;
    }
  }
}

function chooseMetricsPort(env: Environment, say: (line: string) => void): Promise<number> {
  const wanted = Number(env.METRICS_PORT || WORKER_METRICS_PORT);
  return choosePort("The worker's metrics", wanted, env.METRICS_HOST || '127.0.0.1', say);
}

async function choosePort(who: string, wanted: number, host: string, say: (line: string) => void): Promise<number> {
  const port = await findFreePort(wanted, host);
  if (wanted !== 0 && port !== wanted) say(`Port ${wanted} is taken: ${who} gets port ${port}`);
  return port;
}
