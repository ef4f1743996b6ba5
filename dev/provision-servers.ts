/** Completes the environment for development: starts the servers for which no URL is set, and generates secrets. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../shared/config/config.ts';
import { packageFile } from '../shared/process/package-files.ts';
import { type DataDir, openDataDir } from './data-dir.ts';
import { ensureDatabase, startPostgres } from './postgres/server.ts';
import { findFreePort } from './processes/free-port.ts';
import { startOrphanReaper } from './processes/node-process.ts';
import type { ProcessGroup } from './processes/process-group.ts';
import { findOrInstallRedis } from './redis/install.ts';
import { startRedis } from './redis/server.ts';

/** Different from the default ports, to avoid collisions with servers installed on the machine. */
const postgresPort = 54329;
const redisPort = 63799;
const workerMetricsPort = 9464;
const maxPortAttempts = 3;
const defaultFolder = fileURLToPath(packageFile('.field'));

type Environment = Readonly<Record<string, string | undefined>>;

export interface ProvisionServersDeps {
  env: Environment;
  processGroup: ProcessGroup;
  printLine: (line: string) => void;
  /** Called as soon as the folder is locked, so that the caller can release it. */
  onOpen: (data: DataDir) => void;
}

/** Returns the environment of the API and the worker. */
export async function provisionServers({
  env,
  processGroup,
  printLine,
  onOpen,
}: ProvisionServersDeps): Promise<Environment> {
  validateSettings(env);
  const data = await openDataDir(resolve(env.FIELD_DATA_DIR || defaultFolder), printLine);
  onOpen(data);
  await startOrphanReaper(processGroup.start, data.runFolder);
  const databaseUrl = env.DATABASE_URL || (await startDatabase(data, processGroup, printLine));
  const redisUrl =
    env.QUEUE_REDIS_URL && env.CACHE_REDIS_URL ? undefined : await startQueueAndCache(data, processGroup, printLine);
  const host = env.HOST || '127.0.0.1';
  return {
    ...env,
    DATABASE_URL: databaseUrl,
    QUEUE_REDIS_URL: env.QUEUE_REDIS_URL || redisUrl?.(0),
    CACHE_REDIS_URL: env.CACHE_REDIS_URL || redisUrl?.(1),
    HOST: host,
    PORT: String(await choosePort('The API', Number(env.PORT || 3000), host, printLine)),
    METRICS_PORT: String(await chooseMetricsPort(env, printLine)),
    BACKUP_FOLDER: env.BACKUP_FOLDER || join(data.path, 'backups'),
    ADMIN_PASSWORD: env.ADMIN_PASSWORD || data.secrets.adminPassword,
    ERASURE_KEY: env.ERASURE_KEY || data.secrets.erasureKey,
    WEBHOOK_KEY: env.WEBHOOK_KEY || data.secrets.webhookKey,
    ...(env.JWT_SECRET || env.JWKS_URL ? {} : { JWT_SECRET: data.secrets.jwtSecret }),
  };
}

/** Validates the settings before anything is started, with placeholders for those that are only provided later. */
function validateSettings(env: Environment): void {
  loadConfig({
    ...env,
    DATABASE_URL: env.DATABASE_URL || 'postgres://to-be-started',
    QUEUE_REDIS_URL: env.QUEUE_REDIS_URL || 'redis://to-be-started',
    CACHE_REDIS_URL: env.CACHE_REDIS_URL || 'redis://to-be-started',
    ...(env.JWT_SECRET || env.JWKS_URL ? {} : { JWT_SECRET: 'generated later'.padEnd(32, '.') }),
  });
}

async function startDatabase(
  data: DataDir,
  processGroup: ProcessGroup,
  printLine: (line: string) => void,
): Promise<string> {
  const password = data.secrets.postgresPassword;
  const server = await startOnFreePort({ label: 'PostgreSQL', preferredPort: postgresPort, printLine }, (port) =>
    startPostgres({ folder: data.path, port, password, start: processGroup.start, printLine }),
  );
  await ensureDatabase(server, 'field');
  printLine(`PostgreSQL runs on 127.0.0.1:${server.port}`);
  return server.url('field');
}

async function startQueueAndCache(data: DataDir, processGroup: ProcessGroup, printLine: (line: string) => void) {
  const binary = await findOrInstallRedis({ folder: data.path, start: processGroup.start, printLine });
  const password = data.secrets.redisPassword;
  const server = await startOnFreePort({ label: 'Redis', preferredPort: redisPort, printLine }, (port) =>
    startRedis({ binary, folder: data.path, port, password, start: processGroup.start }),
  );
  printLine(`Redis runs on 127.0.0.1:${server.port} (${binary})`);
  return server.url;
}

interface FreePortOptions {
  readonly label: string;
  readonly preferredPort: number;
  readonly printLine: (line: string) => void;
}

/** Retries with another port, because a free port may be taken meanwhile by a stack that starts at the same time. */
async function startOnFreePort<Server>(
  { label, preferredPort, printLine }: FreePortOptions,
  start: (port: number) => Promise<Server>,
): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await choosePort(label, attempt === 1 ? preferredPort : 0, '127.0.0.1', printLine));
    } catch (error) {
      if (attempt === maxPortAttempts || !String(error).includes('Address already in use')) throw error;
    }
  }
}

function chooseMetricsPort(env: Environment, printLine: (line: string) => void): Promise<number> {
  const preferredPort = Number(env.METRICS_PORT || workerMetricsPort);
  return choosePort("The worker's metrics", preferredPort, env.METRICS_HOST || '127.0.0.1', printLine);
}

async function choosePort(
  label: string,
  preferredPort: number,
  host: string,
  printLine: (line: string) => void,
): Promise<number> {
  const port = await findFreePort(preferredPort, host);
  if (preferredPort !== 0 && port !== preferredPort)
    printLine(`Port ${preferredPort} is in use: ${label} uses port ${port}`);
  return port;
}
