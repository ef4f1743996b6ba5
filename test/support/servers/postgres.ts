/** A separate PostgreSQL server for tests that stop it. Other tests share one server through `withDatabase`, which is faster. */
import type { Test } from 'tap';
import { migrate } from '../../../db/migrations/migrate.ts';
import { ensureDatabase, startPostgres } from '../../../dev/postgres/server.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { testPassword, withPostgresFolder } from './postgres-folder.ts';

export interface TestPostgres {
  /** A database with all migrations applied. */
  readonly url: string;
  readonly port: number;
  /** The pid of the current server process, or of the last one. */
  readonly pid: number;
  stop(): Promise<void>;
  /** Restarts the server on the same port with the same data. */
  start(): Promise<void>;
  /** Kills the server with SIGKILL. Its write-ahead log is on disk, so committed data survives. */
  kill9(): Promise<void>;
}

export async function withPostgres(t: Test): Promise<TestPostgres> {
  const folder = await withPostgresFolder(t);
  const port = await findFreePort();
  const launch = () => startPostgres({ folder, port, password: testPassword });
  let server = await launch();
  t.teardown(() => server.process.forceStop());
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
