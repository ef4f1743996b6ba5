import t from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { withRedis } from '../support/servers/servers.ts';
import { waitUntil } from '../support/wait-until.ts';

const production = { NODE_ENV: 'production', OPEN_REGISTRATION: 'false' };

async function answersOn(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/api/health/ready`)).ok;
}

t.test('in production it refuses a queue that may forget, unless that is allowed', async (t) => {
  const weak = await withRedis(t, { settings: { appendfsync: 'everysec' } });
  const backing = await withBacking(t, { QUEUE_REDIS_URL: weak.queueUrl });
  const port = await findFreePort();
  const refusing = await withProcess(t, 'api', backing, { ...production, PORT: String(port) });
  t.equal(await refusing.exited, 'code 1');
  await withProcess(t, 'api', backing, { ...production, PORT: String(port), ALLOW_WEAK_DURABILITY: 'true' });
  await waitUntil('it is ready', () => answersOn(port));
});

t.test('in production it refuses a queue whose Redis may drop keys', async (t) => {
  const evicting = await withRedis(t, { settings: { 'maxmemory-policy': 'allkeys-lru' } });
  const backing = await withBacking(t, { QUEUE_REDIS_URL: evicting.queueUrl });
  const refusing = await withProcess(t, 'api', backing, { ...production, PORT: String(await findFreePort()) });
  t.equal(await refusing.exited, 'code 1');
});

t.test('it starts, answers, and ends by itself when it is asked to', async (t) => {
  const backing = await withBacking(t);
  const port = await findFreePort();
  const api = await withProcess(t, 'api', backing, { PORT: String(port) });
  await waitUntil('it is ready', () => answersOn(port));
  process.kill(api.pid, 'SIGTERM');
  t.equal(await api.exited, 'code 0');
});
