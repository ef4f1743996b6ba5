/** What health and readiness say in each way in which not everything is there. */
import t, { type Test } from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openStream } from './support/stream-client.ts';
import { withTcpGate } from './support/tcp-gate.ts';
import { type TestApi, withApi } from './support/with-app.ts';

const field = asField('health');

/** An API whose PostgreSQL and two Redis can be taken away one by one. */
async function withFragileApi(t: Test, settings: Record<string, string> = {}) {
  const [queue, cache] = [await withRedis(t), await withRedis(t)];
  const backing = await withBacking(t, { QUEUE_REDIS_URL: queue.queueUrl, CACHE_REDIS_URL: cache.cacheUrl });
  const url = new URL(backing.config.DATABASE_URL);
  const postgres = await withTcpGate(t, { host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${postgres.port}`;
  const api = await withApi(t, backing, { DATABASE_URL: url.href, ...settings });
  return { api, backing, queue, cache, postgres };
}

/** Waits until the health is as said, and returns what readiness and the short answer say then. */
async function waitForHealth(api: TestApi, status: string, down: readonly string[]) {
  const health = await waitUntil(`it is ${status} without ${down.join(', ') || 'anything missing'}`, async () => {
    const answer = await api.request('/api/health');
    const checks: [string, { status: string }][] = Object.entries(answer.body.checks);
    const missing = checks.filter(([, check]) => check.status === 'down').map(([name]) => name);
    return answer.body.status === status && missing.join() === down.join() && answer;
  });
  const ready = await api.request('/api/health/ready');
  const root = await api.request('/api/');
  return { health: health.status, ready: ready.status, reason: ready.body.code, root: root.body };
}

t.test('all is there', async (t) => {
  const { api, backing } = await withFragileApi(t);
  await withWorker(t, backing);
  t.match(await waitForHealth(api, 'healthy', []), { health: 200, ready: 200, root: { status: 'ok' } });
});

t.test('no worker is there: updates are taken, and wait', async (t) => {
  const { api } = await withFragileApi(t);
  t.match(await waitForHealth(api, 'degraded', ['workers']), { health: 200, ready: 200, root: { status: 'ok' } });
});

t.test('PostgreSQL, the cache and the queue go one after the other', { timeout: 90_000 }, async (t) => {
  const { api, backing, queue, cache, postgres } = await withFragileApi(t);
  await withWorker(t, backing);
  await waitForHealth(api, 'healthy', []);

  postgres.cut();
  t.match(
    await waitForHealth(api, 'degraded', ['database']),
    { health: 200, ready: 200, root: { status: 'degraded', database: false, redis: true } },
    'the cache serves the reads, the queue takes the updates',
  );
  await cache.stop();
  t.match(
    await waitForHealth(api, 'unhealthy', ['database', 'cache']),
    { health: 503, ready: 503, reason: 'reads_unavailable', root: { status: 'degraded', redis: false } },
    'nothing is left to read from',
  );
  await cache.start();
  await queue.stop();
  t.match(
    await waitForHealth(api, 'unhealthy', ['database', 'queue', 'workers']),
    { health: 503, ready: 503, reason: 'queue_unavailable', root: { status: 'degraded', redis: false } },
    'neither queue takes updates',
  );
  postgres.open();
  t.match(
    await waitForHealth(api, 'degraded', ['queue', 'workers']),
    { health: 200, ready: 200, root: { status: 'degraded', database: true, redis: false } },
    'PostgreSQL takes the updates',
  );
  await queue.start();
  t.match(await waitForHealth(api, 'healthy', []), { health: 200, ready: 200 }, 'and all is well again');
});

t.test('the queue is full: updates are refused, and reads go on', async (t) => {
  const { api, backing } = await withFragileApi(t, { MAX_BACKLOG: '1' });
  const jobs = [1, 2, 3].map((counter) => jobOf(field, asDevice('phone-1'), [setCell(counter, 1, 0.5)]));
  await backing.producer.enqueueAll(jobs);
  t.match(await waitForHealth(api, 'unhealthy', ['workers']), { health: 503, ready: 200 });
  t.match((await api.request('/api/health')).body.checks.queue, { status: 'up', full: true, backlog: 3 });
});

t.test('it stops: it is alive, and not ready', async (t) => {
  const backing: Backing = await withBacking(t);
  const api = await withApi(t, backing);
  const watcher = await openStream(t, api, { token: await api.createToken(), field });
  await watcher.find('snapshot');
  watcher.socket.pause(); // It does not answer the goodbye, so that the stopping takes its time.
  const stopped = api.stop();
  const answers = await waitUntil('it says so', async () => {
    const ready = await api.request('/api/health/ready');
    return ready.status === 503 && { ready, live: await api.request('/api/health/live') };
  });
  t.equal(answers.ready.body.code, 'shutting_down');
  t.equal(answers.live.status, 200);
  await stopped;
});

t.test('the port for watchers tells the same', async (t) => {
  const port = await findFreePort();
  const backing = await withBacking(t);
  const api = await withProcess(t, 'api', backing, { PORT: '0', METRICS_PORT: String(port) });
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  await waitUntil('it is ready', async () => (await ask('/health/ready')).ok, { timeoutMs: 60_000 });
  t.match(await (await ask('/health')).json(), { status: 'degraded', checks: { workers: { status: 'down' } } });
  t.match(await (await ask('/metrics')).text(), 'field_dependency_up');
  t.ok(api.isRunning);
});
