/** Starts the system's pgbouncer in transaction mode in front of a PostgreSQL. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StartProcess } from '../../../dev/processes/child-process.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { waitUntil } from '../wait-until.ts';
import { queryPostgres } from './query-postgres.ts';

interface PoolerOptions {
  readonly folder: string;
  readonly postgresPort: number;
  readonly password: string;
  readonly start: StartProcess;
}

/** @returns the port that pgbouncer listens on; it forwards to every database of the server */
export async function startPooler({ folder, postgresPort, password, start }: PoolerOptions): Promise<number> {
  const home = join(folder, 'pgbouncer');
  const port = await findFreePort();
  await mkdir(home);
  await writeFile(join(home, 'users.txt'), `"field" "${password}"\n`);
  await writeFile(
    join(home, 'pgbouncer.ini'),
    `[databases]
* = host=127.0.0.1 port=${postgresPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${join(home, 'users.txt')}
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 20
ignore_startup_parameters = extra_float_digits,statement_timeout,lock_timeout,idle_in_transaction_session_timeout
`,
  );
  for (const path of [home, join(home, 'users.txt'), join(home, 'pgbouncer.ini')]) await chmod(path, 0o755);
  // pgbouncer refuses to run as root.
  const asNobody = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  await start({
    name: 'pgbouncer',
    command: 'pgbouncer',
    args: [...asNobody, join(home, 'pgbouncer.ini')],
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
    output: 'ignore',
    stopSignal: 'SIGINT',
    graceMs: 5000,
    recordIn: join(folder, 'run'),
  });
  const url = `postgres://field:${password}@127.0.0.1:${port}/postgres`;
  await waitUntil('pgbouncer accepts connections', async () => (await queryPostgres(url, 'SELECT 1')).length === 1);
  return port;
}
