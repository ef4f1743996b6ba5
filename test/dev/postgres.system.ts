import { type ChildProcess, spawn } from 'node:child_process';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ensureDatabase, type PostgresServer, startPostgres } from '../../dev/postgres/server.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { listLiveRecords, stopRecordedProcesses } from '../../dev/processes/pid-files.ts';
import { identify, isAlive, type ProcessIdentity } from '../../dev/processes/process-identity.ts';
import { testProcess } from '../support/processes/modules.ts';
import { testPassword, withPostgresFolder } from '../support/servers/postgres-folder.ts';
import { queryPostgres } from '../support/servers/query-postgres.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';

async function start(t: Test, folder: string): Promise<PostgresServer> {
  const server = await startPostgres({ folder, port: await findFreePort(), password: testPassword });
  t.teardown(() => server.process.forceStop());
  return server;
}

t.test('PostgreSQL keeps committed data through a stop and a kill -9', async (t) => {
  const folder = await withFolder(t);
  const first = await start(t, folder);
  await ensureDatabase(first, 'kept');
  await ensureDatabase(first, 'kept');
  await queryPostgres(first.url('kept'), 'create table words as select \'{"word":"wörter\\u00df"}\'::jsonb as word');
  await first.process.stop();
  t.equal(await first.process.exited, 'code 0');

  const second = await start(t, folder);
  await queryPostgres(second.url('kept'), 'insert into words values (\'{"word":"second"}\')');
  process.kill(second.process.pid, 'SIGKILL');
  t.equal(await second.process.exited, 'signal SIGKILL');

  const third = await start(t, folder);
  t.same(await queryPostgres(third.url('kept'), "select word->>'word' as word from words"), [
    { word: 'wörterß' },
    { word: 'second' },
  ]);
});

t.test('PostgreSQL listens on 127.0.0.1 only, uses UTF-8 and durable settings, and requires a password', async (t) => {
  const server = await start(t, await withPostgresFolder(t));
  const rows = await queryPostgres(
    server.url('postgres'),
    "select name, setting from pg_settings where name in ('listen_addresses', 'unix_socket_directories', 'fsync', 'server_encoding') order by name",
  );
  t.same(rows, [
    { name: 'fsync', setting: 'on' },
    { name: 'listen_addresses', setting: '127.0.0.1' },
    { name: 'server_encoding', setting: 'UTF8' },
    { name: 'unix_socket_directories', setting: '' },
  ]);
  await t.rejects(queryPostgres(`postgres://field:wrong@127.0.0.1:${server.port}/postgres`, 'select 1'), {
    code: '28P01',
  });
});

t.test('PostgreSQL starts even if postmaster.pid contains the process id of another program', async (t) => {
  const folder = await withPostgresFolder(t);
  const first = await start(t, folder);
  first.process.sendSignal('SIGKILL');
  await first.process.exited;
  // Runs as the same user, because PostgreSQL ignores a process that it cannot signal.
  const { uid, gid } = await stat(join(folder, 'postgres'));
  const bystander = spawn('sleep', ['600'], { stdio: 'ignore', uid, gid });
  t.teardown(() => bystander.kill('SIGKILL'));
  await writeFile(join(folder, 'postgres', 'postmaster.pid'), `${bystander.pid}\n${folder}/postgres\n`);
  const second = await start(t, folder);
  t.same(await queryPostgres(second.url('postgres'), 'select 1 as one'), [{ one: 1 }]);
});

t.test('starting on a port in use fails with the error message of PostgreSQL', async (t) => {
  const first = await start(t, await withPostgresFolder(t));
  const second = startPostgres({ folder: await withPostgresFolder(t), port: first.port, password: testPassword });
  await t.rejects(second, { message: /did not start[\s\S]*could not bind/ });
});

function startSupervisor(t: Test, args: string[]): ChildProcess {
  const child = spawn(process.execPath, [testProcess('test/support/processes/supervisor'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function serverOf(supervisor: ChildProcess): Promise<ProcessIdentity> {
  let said = '';
  supervisor.stdout?.on('data', (chunk) => {
    said += String(chunk);
  });
  const pid = await waitUntil('the supervisor is up', () => /^up (\d+)/m.exec(said)?.[1], { timeoutMs: 60_000 });
  return identify(Number(pid)) ?? { pid: 0, startedAt: '' };
}

t.test('the guard stops the server after its supervisor is killed with kill -9', async (t) => {
  const folder = await withPostgresFolder(t);
  const supervisor = startSupervisor(t, [folder, 'guarded']);
  const server = await serverOf(supervisor);
  t.ok(isAlive(server));
  supervisor.kill('SIGKILL');
  await waitUntil('the server is gone', () => !isAlive(server), { timeoutMs: 60_000 });
  await waitUntil('nothing is recorded', () => listLiveRecords(join(folder, 'run')).length === 0);
});

t.test('without a guard, the next start finds the orphaned server and stops it', async (t) => {
  const folder = await withPostgresFolder(t);
  const supervisor = startSupervisor(t, [folder]);
  const server = await serverOf(supervisor);
  supervisor.kill('SIGKILL');
  await waitUntil('the supervisor is gone', () => supervisor.signalCode);
  t.ok(isAlive(server));
  t.match(listLiveRecords(join(folder, 'run')), [{ name: 'postgres', pid: server.pid, stopSignal: 'SIGINT' }]);
  await stopRecordedProcesses(join(folder, 'run'));
  t.notOk(isAlive(server));
  t.same(listLiveRecords(join(folder, 'run')), []);
});
