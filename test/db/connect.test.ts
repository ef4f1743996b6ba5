import pg from 'pg';
import t from 'tap';
import { connectDatabase } from '../../db/connect.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { withTcpGate } from '../api/support/tcp-gate.ts';
import { withDatabase, withoutPooler } from '../support/servers/servers.ts';

t.test('the pool replaces a connection that has stopped responding', withoutPooler, async (t) => {
  const url = new URL((await withDatabase(t)).url);
  const gate = await withTcpGate(t, { host: url.hostname, port: Number(url.port) });
  url.hostname = '127.0.0.1';
  url.port = String(gate.port);
  const log = createLogger({ name: 'test', level: 'silent' });
  const db = connectDatabase({ url: url.href, poolSize: 1, applicationName: 'test', log, statementTimeoutMs: 100 });
  t.teardown(() => db.destroy());
  const { rows: before } = await db.raw('SELECT pg_backend_pid() AS pid');
  gate.blackhole();
  await t.rejects(db.raw('SELECT 1'), /Query read timeout/);
  gate.open();
  const { rows: after } = await db.raw('SELECT pg_backend_pid() AS pid');
  t.not(after[0].pid, before[0].pid, 'the next query gets a new connection, although the pool size is one');
});

t.test('tracing sees the queries of connections that were opened before it', async (t) => {
  const { url } = await withDatabase(t);
  const log = createLogger({ name: 'test', level: 'silent' });
  const db = connectDatabase({ url, poolSize: 1, applicationName: 'test', log });
  t.teardown(() => db.destroy());
  await db.raw('SELECT 1');
  const seen: unknown[] = [];
  const { prototype } = pg.Client;
  const { query } = prototype;
  t.teardown(() => {
    prototype.query = query;
  });
  // As the instrumentation of OpenTelemetry does it.
  prototype.query = function (this: pg.Client, ...args: unknown[]) {
    seen.push(args[0]);
    return Reflect.apply(query, this, args);
  } as typeof query;
  await db.raw('SELECT 2');
  t.match(seen, [{ text: 'SELECT 2' }]);
});
