/** Starts the original's own server on a database with the tables of its own migration. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { testProcess } from '../../support/processes/modules.ts';
import { withPgClient } from '../../support/servers/query-postgres.ts';
import { withDatabase, withRedis } from '../../support/servers/servers.ts';
import { bundleServer } from './bundle.ts';
import type { ServerMessage } from './server-message.ts';

/** As the original's code takes them: it stores the values in columns of integers. */
interface OriginalConflict {
  readonly cell: string;
  readonly local: number;
  readonly remote: number;
  readonly resolution: 'kept_local' | 'used_remote' | 'merged';
}

export interface OriginalServer {
  readonly address: string;
  readonly databaseUrl: string;
  /** What its function for migrations did: `done`, or the message of the error that it threw. */
  readonly migration: string;
  query<Row>(sql: string): Promise<Row[]>;
  addConflicts(conflicts: readonly OriginalConflict[]): Promise<void>;
  /** Replaces its particles, as docs/migrating.md says. It would read the copy in its Redis for five minutes. */
  copyBack(particles: readonly object[]): Promise<void>;
}

const replaceParticles = `
  UPDATE consciousness_states SET memory_particles = $1, last_update = now() AT TIME ZONE 'utc' WHERE id = 1`;

export async function withOriginalServer(t: Test, checkout: string): Promise<OriginalServer> {
  const bundle = await bundleServer(checkout);
  const { directUrl: databaseUrl } = await withDatabase(t);
  const migration = await readFile(join(checkout, 'backend/migrations/0001_initial_schema.sql'), 'utf8');
  await withPgClient(databaseUrl, async (client) => {
    await client.query('DROP SCHEMA IF EXISTS bullmq CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await client.query(migration);
  });
  // It has no setting for a password.
  const redis = await withRedis(t, { settings: { requirepass: '' } });
  const child = fork(testProcess('test/legacy/original/original-server'), [bundle], {
    cwd: checkout,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      DATABASE_URL: databaseUrl,
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(redis.port),
    },
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [listening] = (await once(child, 'message')) as [Extract<ServerMessage, { kind: 'listening' }>];
  return {
    address: `http://127.0.0.1:${listening.port}`,
    databaseUrl,
    migration: listening.migration,
    query: <Row>(sql: string) => withPgClient(databaseUrl, async (client) => (await client.query(sql)).rows as Row[]),
    addConflicts: async (conflicts) => {
      const stored = once(child, 'message');
      child.send(conflicts);
      await stored;
    },
    async copyBack(particles) {
      await withPgClient(databaseUrl, (client) => client.query(replaceParticles, [JSON.stringify(particles)]));
      const client = new Redis(redis.port, '127.0.0.1');
      await client.del('consciousness:global');
      client.disconnect();
    },
  };
}
