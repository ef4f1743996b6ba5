/** A real pgbouncer in transaction mode before a PostgreSQL, as it is installed on this machine. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { StartProcess } from '../../../dev/processes/child-process.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { waitUntil } from '../wait-until.ts';

interface PoolerOptions {
  readonly folder: string;
  readonly postgresPort: number;
  readonly password: string;
  readonly start: StartProcess;
}

/** @returns the port that it listens on, for every database of the server */
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
  // It refuses to be root.
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
  await waitUntil('the pooler takes connections', async () => {
    const client = new pg.Client({ connectionString: `postgres://field:${password}@127.0.0.1:${port}/postgres` });
    client.on('error', () => undefined); // Answered by the rejection below.
    try {
      await client.connect();
      return (await client.query('SELECT 1')).rowCount === 1;
    } finally {
      await client.end().catch(() => undefined);
    }
  });
  return port;
}
