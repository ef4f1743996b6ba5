/**
 * A process that starts a guard and a PostgreSQL in the folder given, says `up` and the server's pid and port, and then
 * waits to be killed. For the tests of what is left behind.
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
