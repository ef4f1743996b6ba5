/**
 * Servers for a test: a new database in the PostgreSQL that `npm test` has started, and a separate Redis. Both are removed
 * at the end of the test.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import type { Test } from 'tap';
import { migrate } from '../../../db/migrations/migrate.ts';
import { startRedis } from '../../../dev/redis/server.ts';
import { launchOnFreePort } from './launch-on-free-port.ts';
import { withPgClient } from './query-postgres.ts';
import { withRedisCluster } from './redis-cluster.ts';
import { withRedisSentinel } from './redis-sentinel.ts';

const template = 'field_template';
/** Advisory lock key, shared by all test files; its owner creates the template. */
const templateLock = 7_340_001;

/** An empty database with all migrations applied, dropped at the end of the test. */
export async function withDatabase(t: Test): Promise<{ url: string; directUrl: string }> {
  const name = `field_test_${randomBytes(6).toString('hex')}`;
  const serverUrl = required('TEST_DATABASE_URL');
  await withPgClient(serverUrl, async (client) => {
    await ensureTemplate(client);
    await client.query(`create database ${name} template ${template}`);
  });
  t.teardown(() => withPgClient(serverUrl, (client) => client.query(`drop database if exists ${name} with (force)`)));
  return { url: urlOf(name, process.env.TEST_POOLER_PORT), directUrl: urlOf(name) };
}

/** Migrates once per run, since copying a template takes a tenth of the time. The draft is renamed only when it is complete. */
async function ensureTemplate(client: pg.Client): Promise<void> {
  const draft = `${template}_draft`;
  await client.query('select pg_advisory_lock($1)', [templateLock]);
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [template]);
    if (rowCount !== 0) return;
    await client.query(`drop database if exists ${draft} with (force)`);
    await client.query(`create database ${draft}`);
    await migrate(urlOf(draft));
    await client.query(`alter database ${draft} rename to ${template}`);
  } finally {
    await client.query('select pg_advisory_unlock($1)', [templateLock]);
  }
}

function urlOf(database: string, port?: string): string {
  const url = new URL(required('TEST_DATABASE_URL'));
  if (port) url.port = port;
  url.pathname = `/${database}`;
  return url.href;
}

/** Options of tests that need a single Redis server: they stop it or read its keys directly. */
export const withOneRedis = process.env.TEST_REDIS_CLUSTER
  ? { skip: 'needs a single Redis; this run uses a cluster' }
  : {};

/** Options of tests that depend on individual PostgreSQL connections. */
export const withoutPooler = process.env.TEST_PGBOUNCER
  ? { skip: 'needs direct connections; this run uses pgbouncer' }
  : {};

export interface TestRedis {
  /** Database 0, the queue's database. */
  readonly url: string;
  readonly queueUrl: string;
  /** Database 1. */
  readonly cacheUrl: string;
  readonly port: number;
  /** The pid of the current server process, or of the last one. */
  readonly pid: number;
  stop(): Promise<void>;
  /** Restarts the server on the same port with the same data. */
  start(): Promise<void>;
  /** Kills the server with SIGKILL. */
  kill9(): Promise<void>;
}

/** A separate Redis with durable writes. @param settings overrides, by their names in redis.conf */
export async function withRedis(
  t: Test,
  { settings = {} }: { settings?: Record<string, string> } = {},
): Promise<TestRedis> {
  if (process.env.TEST_REDIS_CLUSTER) return withCluster(t, { settings });
  const launchOptions = await createLaunchOptions();
  const launch = (port: number) => startRedis({ ...launchOptions, port, password: 'test', settings });
  let server = await launchOnFreePort(launch);
  t.teardown(async () => {
    await server.process.forceStop();
    await rm(launchOptions.folder, { recursive: true, force: true });
  });
  return {
    url: server.url(0),
    queueUrl: server.url(0),
    cacheUrl: server.url(1),
    port: server.port,
    get pid() {
      return server.process.pid;
    },
    stop: () => server.process.stop(),
    async start() {
      if (!server.process.isRunning) server = await launch(server.port);
    },
    kill9: () => server.process.forceStop(),
  };
}

/** A Redis Cluster of three nodes. */
export async function withCluster(
  t: Test,
  { settings = {} }: { settings?: Record<string, string> } = {},
): Promise<TestRedis> {
  return withRedisCluster(t, { ...(await createLaunchOptions()), settings });
}

/** A Redis with a replica that replaces it. */
export async function withSentinel(t: Test) {
  return withRedisSentinel(t, await createLaunchOptions());
}

/** The binary and a new data folder for a Redis. */
async function createLaunchOptions() {
  const testFolder = required('TEST_FOLDER');
  return {
    binary: required('TEST_REDIS_SERVER'),
    folder: await mkdtemp(join(testFolder, 'redis-')),
    recordIn: join(testFolder, 'run'),
  };
}

function required(name: 'TEST_DATABASE_URL' | 'TEST_REDIS_SERVER' | 'TEST_FOLDER'): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; run the tests with \`npm test\` or \`npm test -- <file>\``);
  return value;
}
