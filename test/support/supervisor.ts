/**
 * A process that starts a guard and a PostgreSQL in the folder given, says `up` and the server's pid and port, and then
 * waits to be killed. For the tests of what is left behind.
 */
import { findFreePort } from '../../dev/free-port.ts';
import { startGuard } from '../../dev/node-process.ts';
import { startPostgres } from '../../dev/postgres.ts';
import { startProcess } from '../../dev/processes.ts';

const [, , folder = '', guarded = ''] = process.argv;
if (guarded === 'guarded') await startGuard(startProcess, `${folder}/run`);
const server = await startPostgres({ folder, port: await findFreePort(), password: 'test' });
console.log(`up ${server.process.pid} ${server.port}`);
setInterval(() => {}, 60_000);
