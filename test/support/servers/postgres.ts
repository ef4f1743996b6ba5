/** A PostgreSQL of a test's own, for tests in which it fails. All others share one: `withDatabase` is much quicker. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { migrate } from '../../../db/migrations/migrate.ts';
import { ensureDatabase, startPostgres } from '../../../dev/postgres/server.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';

export interface TestPostgres {
  /** A database with all migrations applied. */
  readonly url: string;
  readonly port: number;
  /** Of the server that runs now, or ran last. */
  readonly pid: number;
  stop(): Promise<void>;
  /** Starts it again, on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it with SIGKILL, as a crash would. Its log is on the disk, so that what was committed is there again. */
  kill9(): Promise<void>;
}

export async function withPostgres(t: Test): Promise<TestPostgres> {
  const folder = await mkdtemp(join(process.env.TEST_FOLDER ?? tmpdir(), 'postgres-'));
  const port = await findFreePort();
  const launch = () => startPostgres({ folder, port, password: 'test' });
  let server = await launch();
  t.teardown(async () => {
    await server.process.forceStop();
    await rm(folder, { recursive: true, force: true });
  });
  await ensureDatabase(server, 'field');
  await migrate(server.url('field'));
  return {
    url: server.url('field'),
    port,
    get pid() {
      return server.process.pid;
    },
    stop: () => server.process.stop(),
    async start() {
      if (!server.process.isRunning) server = await launch();
    },
    async kill9() {
      server.process.sendSignal('SIGKILL');
      await server.process.exited;
    },
  };
}
