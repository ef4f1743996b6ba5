/** A URL with several hosts leads to the server that is the primary when a connection is opened. */
import { chown, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import t, { type Test } from 'tap';
import { connectDatabase } from '../../db/connect.ts';
import { LeaseSession } from '../../db/leases/lease-session.ts';
import { startPostgres } from '../../dev/postgres/server.ts';
import { connectionTarget } from '../../shared/postgres/connection-target.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { withTcpGate } from '../api/support/tcp-gate.ts';
import { launchOnFreePort } from '../support/servers/launch-on-free-port.ts';
import { testPassword, withPostgresFolder } from '../support/servers/postgres-folder.ts';
import { queryPostgres } from '../support/servers/query-postgres.ts';
import { waitUntil } from '../support/wait-until.ts';

const log = createLogger({ name: 'test', level: 'silent' });

async function withServer(t: Test, { isStandby }: { isStandby: boolean }) {
  const folder = await withPostgresFolder(t);
  if (isStandby) {
    const { uid, gid } = await stat(join(folder, 'postgres', 'PG_VERSION'));
    const file = join(folder, 'postgres', 'standby.signal');
    await writeFile(file, '');
    await chown(file, uid, gid);
  }
  const server = await launchOnFreePort((port) => startPostgres({ folder, port, password: testPassword }));
  t.teardown(() => server.process.forceStop());
  return server;
}

const urlOf = (ports: readonly number[]) =>
  `postgres://field:${testPassword}@${ports.map((port) => `127.0.0.1:${port}`).join(',')}/postgres`;

async function findPort(url: string): Promise<number> {
  const client = new pg.Client({ ...connectionTarget(url), connectionTimeoutMillis: 3000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ port: string }>('SHOW port');
    return Number(rows[0]?.port);
  } finally {
    await client.end();
  }
}

t.test('connections follow the primary', async (t) => {
  const [first, second] = await Promise.all([withServer(t, { isStandby: false }), withServer(t, { isStandby: true })]);
  const gate = await withTcpGate(t, { host: '127.0.0.1', port: first.port });
  const url = urlOf([second.port, first.port]);
  const db = connectDatabase({ url, poolSize: 1, applicationName: 'test', log });
  t.teardown(() => db.destroy());
  const findPooled = async () => Number((await db.raw('SHOW port')).rows[0].port);

  t.equal(await findPort(url), first.port, 'the one that is a standby is passed over');
  t.equal(await findPooled(), first.port);
  await t.rejects(findPort(urlOf([second.port, second.port])), { code: '25006', message: /none .* accepts writes/ });
  t.equal(await findPort(`${urlOf([second.port])}?target_session_attrs=any`), second.port, 'unless it will do');

  // Nothing listens at the port of a gate that is cut.
  gate.cut();
  t.equal(await findPort(urlOf([gate.port, first.port])), first.port, 'one that is gone is passed over');
  process.kill(second.process.pid, 'SIGSTOP');
  t.equal(await findPort(url), first.port, 'one that hangs is passed over');
  process.kill(second.process.pid, 'SIGCONT');

  await queryPostgres(second.url('postgres'), 'SELECT pg_promote()');
  t.equal(await findPort(urlOf([first.port, second.port])), second.port, 'of two, the one promoted last is right');
  const lease = await LeaseSession.open({
    ...{ url, leaseClassId: 1, applicationName: 'test' },
    ...{ onLost: () => undefined, onChange: () => undefined },
  });
  t.ok(lease.isOpen);
  t.equal((await queryPostgres(second.url('postgres'), "SELECT FROM pg_locks WHERE locktype = 'advisory'")).length, 1);
  lease.destroy();

  await first.process.forceStop();
  await waitUntil('the pool has a connection to the new primary', async () => (await findPooled()) === second.port);
});
