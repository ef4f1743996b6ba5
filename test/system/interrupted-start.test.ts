/** A process that is stopped while it starts, as by a rolling restart right after another one, has not failed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { installedEntryPoint } from '../support/processes/modules.ts';
import { withRedis } from '../support/servers/servers.ts';
import { waitUntil } from '../support/wait-until.ts';

t.test('a worker that gets SIGTERM while it waits for PostgreSQL exits with code 0', async (t) => {
  const redis = await withRedis(t);
  const worker = spawn(process.execPath, [fileURLToPath(installedEntryPoint('workers/main'))], {
    env: {
      DATABASE_URL: `postgres://nobody@127.0.0.1:${await findFreePort()}/none`,
      QUEUE_REDIS_URL: redis.queueUrl,
      CACHE_REDIS_URL: redis.cacheUrl,
    },
  });
  t.teardown(() => worker.kill('SIGKILL'));
  let output = '';
  for (const stream of [worker.stdout, worker.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  await waitUntil('it waits for the database', () => output.includes('waiting for the database'));
  worker.kill('SIGTERM');
  const [code] = await once(worker, 'exit');
  t.equal(code, 0, output);
});
