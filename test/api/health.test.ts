/** Health and readiness in every combination of unavailable dependencies. */
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

/** An API whose PostgreSQL and two Redis servers can be stopped one by one. */
async function withFragileApi(t: Test, settings: Record<string, string> = {}) {
  const [queue, cache] = [await withRedis(t), await withRedis(t)];
  const backing = await withBacking(t, { QUEUE_REDIS_URL: queue.queueUrl, CACHE_REDIS_URL: cache.cacheUrl });
  const url = new URL(backing.config.DATABASE_URL);
  const postgres = await withTcpGate(t, { host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${postgres.port}`;
  const api = await withApi(t, backing, { DATABASE_URL: url.href, ...settings });
  return { api, backing, queue, cache, postgres };
}

/** Waits for a status and a list of dependencies that are down; then reads the readiness and the short status. */
async function waitForHealth(api: TestApi, status: string, down: readonly string[]) {
  const health = await waitUntil(`it is ${status} with ${down.join(', ') || 'nothing'} down`, async () => {
    const response = await api.request('/api/health');
    const checks: [string, { status: string }][] = Object.entries(response.body.checks);
    const missing = checks.filter(([, check]) => check.status === 'down').map(([name]) => name);
    return response.body.status === status && missing.join() === down.join() && response;
  });
  const ready = await api.request('/api/health/ready');
  const root = await api.request('/api/');
  return { health: health.status, ready: ready.status, reason: ready.body.code, root: root.body };
}

t.test('healthy with all dependencies', async (t) => {
  const { api, backing } = await withFragileApi(t);
  await withWorker(t, backing);
  t.match(await waitForHealth(api, 'healthy', []), { health: 200, ready: 200, root: { status: 'ok' } });
});

t.test('degraded without a worker: updates are accepted, and wait', async (t) => {
  const { api } = await withFragileApi(t);
  t.match(await waitForHealth(api, 'degraded', ['workers']), { health: 200, ready: 200, root: { status: 'ok' } });
});

t.test('PostgreSQL, the cache and the queue fail one after the other', async (t) => {
  const { api, backing, queue, cache, postgres } = await withFragileApi(t);
  await withWorker(t, backing);
  await waitForHealth(api, 'healthy', []);

  postgres.cut();
  t.match(
    await waitForHealth(api, 'degraded', ['database', 'workers']),
    { health: 200, ready: 200, root: { status: 'degraded', database: false, redis: true } },
    'the cache serves reads, the queue accepts updates',
  );
  await cache.stop();
  t.match(
    await waitForHealth(api, 'unhealthy', ['database', 'cache', 'workers']),
    { health: 503, ready: 503, reason: 'reads_unavailable', root: { status: 'degraded', redis: false } },
    'neither source can be read',
  );
  await cache.start();
  await queue.stop();
  t.match(
    await waitForHealth(api, 'unhealthy', ['database', 'queue', 'workers']),
    { health: 503, ready: 503, reason: 'queue_unavailable', root: { status: 'degraded', redis: false } },
    'neither queue accepts updates',
  );
  postgres.open();
  t.match(
    await waitForHealth(api, 'degraded', ['queue', 'workers']),
    { health: 200, ready: 200, root: { status: 'degraded', database: true, redis: false } },
    'PostgreSQL accepts the updates, and no worker reads the queue in Redis',
  );
  await queue.start();
  t.match(await waitForHealth(api, 'healthy', []), { health: 200, ready: 200 }, 'recovered');
});

t.test('unhealthy but ready with a full queue: updates are refused, and reads are served', async (t) => {
  const { api, backing } = await withFragileApi(t, { MAX_BACKLOG: '1' });
  const jobs = [1, 2, 3].map((counter) => jobOf(field, asDevice('phone-1'), [setCell(counter, 1, 0.5)]));
  await backing.producer.enqueueAll(jobs);
  t.match(await waitForHealth(api, 'unhealthy', ['workers']), { health: 503, ready: 200 });
  t.match((await api.request('/api/health')).body.checks.queue, { status: 'up', full: true, backlog: 3 });
});

t.test('live but not ready while shutting down', async (t) => {
  const backing: Backing = await withBacking(t);
  const api = await withApi(t, backing);
  const client = await openStream(t, api, { token: await api.createToken(), field });
  await client.find('snapshot');
  client.socket.pause(); // It does not response the close, so that draining takes some time.
  const stopped = api.stop();
  const responses = await waitUntil('it is not ready', async () => {
    const ready = await api.request('/api/health/ready');
    return ready.status === 503 && { ready, live: await api.request('/api/health/live') };
  });
  t.equal(responses.ready.body.code, 'shutting_down');
  t.equal(responses.live.status, 200);
  await stopped;
});

t.test('the metrics port serves the same health', async (t) => {
  const port = await findFreePort();
  const backing = await withBacking(t);
  const api = await withProcess(t, 'api', backing, { PORT: '0', METRICS_PORT: String(port) });
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  await waitUntil('it is ready', async () => (await ask('/health/ready')).ok, { timeoutMs: 60_000 });
  t.match(await (await ask('/health')).json(), { status: 'degraded', checks: { workers: { status: 'down' } } });
  t.match(await (await ask('/metrics')).text(), 'field_dependency_up');
  t.ok(api.isRunning);
});
