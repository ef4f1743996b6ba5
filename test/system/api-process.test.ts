import t from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { withRedis } from '../support/servers/servers.ts';
import { waitUntil } from '../support/wait-until.ts';

const production = { NODE_ENV: 'production', OPEN_REGISTRATION: 'false', ALLOW_WEAK_DURABILITY: 'false' };

async function isReady(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/api/health/ready`)).ok;
}

t.test('in production the API exits if the queue is not durable, unless that is allowed', async (t) => {
  const weak = await withRedis(t, { settings: { appendfsync: 'everysec' } });
  const backing = await withBacking(t, { QUEUE_REDIS_URL: weak.queueUrl });
  const port = await findFreePort();
  const exiting = await withProcess(t, 'api', backing, { ...production, PORT: String(port) });
  t.equal(await exiting.exited, 'code 1');
  await withProcess(t, 'api', backing, { ...production, PORT: String(port), ALLOW_WEAK_DURABILITY: 'true' });
  await waitUntil('the API is ready', () => isReady(port));
});

t.test('in production the API exits if the queue may evict keys', async (t) => {
  const evicting = await withRedis(t, { settings: { 'maxmemory-policy': 'allkeys-lru' } });
  const backing = await withBacking(t, { QUEUE_REDIS_URL: evicting.queueUrl });
  const exiting = await withProcess(t, 'api', backing, { ...production, PORT: String(await findFreePort()) });
  t.equal(await exiting.exited, 'code 1');
});

t.test('the API starts, serves requests, and exits with code 0 on SIGTERM', async (t) => {
  const backing = await withBacking(t);
  const port = await findFreePort();
  const api = await withProcess(t, 'api', backing, { PORT: String(port) });
  await waitUntil('the API is ready', () => isReady(port));
  process.kill(api.pid, 'SIGTERM');
  t.equal(await api.exited, 'code 0');
});
