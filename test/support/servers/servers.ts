/**
 * Real servers for a test, which stop with it: a fresh database each in the PostgreSQL that `npm test` has started, and
 * a Redis of its own.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { Test } from 'tap';
import { migrate } from '../../../db/migrations/migrate.ts';
import { startRedis } from '../../../dev/redis/server.ts';
import { launchOnFreePort } from './launch-on-free-port.ts';
import { withRedisCluster } from './redis-cluster.ts';

const TEMPLATE = 'field_template';
/** Any number that all test files agree on: who holds this lock makes the template. */
const TEMPLATE_LOCK = 7_340_001;

/** A database with all migrations applied and nothing in it, dropped when the test ends. */
export async function withDatabase(t: Test): Promise<{ url: string; directUrl: string }> {
  const name = `field_test_${randomBytes(6).toString('hex')}`;
  await withClient(async (client) => {
    await ensureTemplate(client);
    await client.query(`create database ${name} template ${TEMPLATE}`);
  });
  t.teardown(() => withClient((client) => client.query(`drop database if exists ${name} with (force)`)));
  return { url: urlOf(name, process.env.TEST_POOLER_PORT), directUrl: urlOf(name) };
}

/** Migrates once a run: copying the result takes a tenth of the time. Migrated under another name, lest half of it be used. */
async function ensureTemplate(client: pg.Client): Promise<void> {
  const draft = `${TEMPLATE}_draft`;
  await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [TEMPLATE]);
    if (rowCount !== 0) return;
    await client.query(`drop database if exists ${draft} with (force)`);
    await client.query(`create database ${draft}`);
    await migrate(urlOf(draft));
    await client.query(`alter database ${draft} rename to ${TEMPLATE}`);
  } finally {
    await client.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

async function withClient(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: required('TEST_DATABASE_URL') });
  client.on('error', () => {}); // The query that is under way is rejected as well.
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function urlOf(database: string, port?: string): string {
  const url = new URL(required('TEST_DATABASE_URL'));
  if (port) url.port = port;
  url.pathname = `/${database}`;
  return url.href;
}

/** For tests that stop the one server that there is, or look into it. */
export const withOneRedis = process.env.TEST_REDIS_CLUSTER ? { skip: 'there are three here' } : {};

/** For tests that tell one server's answers, or the end of its connections, from another's. */
export const withoutPooler = process.env.TEST_PGBOUNCER ? { skip: 'a pooler stands before PostgreSQL' } : {};

export interface TestRedis {
  /** Database 0, where the queue lives as well. */
  readonly url: string;
  readonly queueUrl: string;
  /** Database 1. */
  readonly cacheUrl: string;
  readonly port: number;
  /** Of the server that runs now, or ran last. */
  readonly pid: number;
  stop(): Promise<void>;
  /** Starts it again, on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it with SIGKILL, as a crash would. */
  kill9(): Promise<void>;
}

/** A Redis of the test's own that keeps all it acknowledges. `settings` replace its own, by their names in redis.conf. */
export async function withRedis(
  t: Test,
  { settings = {} }: { settings?: Record<string, string> } = {},
): Promise<TestRedis> {
  if (process.env.TEST_REDIS_CLUSTER) return withCluster(t, { settings });
  const place = await findPlace();
  const launch = (port: number) => startRedis({ ...place, port, password: 'test', settings });
  let server = await launchOnFreePort(launch);
  t.teardown(async () => {
    await server.process.forceStop();
    await rm(place.folder, { recursive: true, force: true });
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
  return withRedisCluster(t, { ...(await findPlace()), settings });
}

/** What to start a Redis from, and where. */
async function findPlace() {
  const testFolder = required('TEST_FOLDER');
  return {
    binary: required('TEST_REDIS_SERVER'),
    folder: await mkdtemp(join(testFolder, 'redis-')),
    recordIn: join(testFolder, 'run'),
  };
}

function required(name: 'TEST_DATABASE_URL' | 'TEST_REDIS_SERVER' | 'TEST_FOLDER'): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is missing: run the tests with \`npm test\` or \`npm test -- <file>\``);
  return value;
}
