/**
 * Starts an orphan reaper and a PostgreSQL in the given folder, prints `up` with the server's pid and port, and waits to
 * be killed. For tests of the processes that remain after a crash.
 */

import { startPostgres } from '../../../dev/postgres/server.ts';
import { startProcess } from '../../../dev/processes/child-process.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { startOrphanReaper } from '../../../dev/processes/node-process.ts';

const [, , folder = '', guarded = ''] = process.argv;
if (guarded === 'guarded') await startOrphanReaper(startProcess, `${folder}/run`);
const server = await startPostgres({ folder, port: await findFreePort(), password: 'test' });
console.log(`up ${server.process.pid} ${server.port}`);
setInterval(() => {}, 60_000);
