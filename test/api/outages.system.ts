import t, { type Test } from 'tap';
import { createCacheKeys } from '../../shared/cache/cache-keys.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { readCachedVersion, readStored, waitForVersion } from '../support/read-back.ts';
import { withoutPooler, withRedis } from '../support/servers/servers.ts';
import { asCursor, asField, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openStream } from './support/stream-client.ts';
import { withTcpGate } from './support/tcp-gate.ts';
import { withApi } from './support/with-app.ts';

const field = asField('outage');
const updatesPath = `/api/fields/${field}/updates`;
const statePath = `/api/fields/${field}`;

/** PostgreSQL behind a TCP gate that can be cut for the API only. */
async function withGatedDatabase(t: Test, { config }: Backing) {
  const url = new URL(config.DATABASE_URL);
  const gate = await withTcpGate(t, { host: url.hostname, port: Number(url.port) });
  url.hostname = '127.0.0.1';
  url.port = String(gate.port);
  return { gate, url: url.href };
}

t.test(
  'while the cache is down everything is served from PostgreSQL, and the cache is used again when it is back',
  async (t) => {
    const cache = await withRedis(t);
    const backing = await withBacking(t, { CACHE_REDIS_URL: cache.cacheUrl });
    await withWorker(t, backing);
    const api = await withApi(t, backing);
    const token = await api.createToken();
    const write = (counter: number) =>
      api.request(updatesPath, {
        token,
        body: { updates: [setCell(counter, counter, 0.5)] },
        headers: { prefer: 'wait=20' },
      });
    const client = await openStream(t, api, { token, field });
    await client.find('snapshot');
    t.equal((await write(1)).status, 200);
    await client.waitForVersion(1);

    await cache.stop();
    const applied = await write(2);
    t.equal(applied.status, 200, 'the results come from receipts instead of the reply channel');
    t.match(applied.body, { version: 2, results: [{ counter: 2, outcome: 'applied', version: 2 }] });
    for (let reads = 0; reads < 2; reads++) {
      const read = await api.request(statePath, { token });
      t.equal(read.headers.get('x-cache'), 'bypass');
      t.equal(read.text, await readStored(backing, field));
      const summary = await api.request(`${statePath}?view=summary`, { token });
      t.equal(summary.body.activeNodes, 1, 'those that this process has heard from');
    }
    await client.waitForVersion(2);
    const late = await openStream(t, api, { token, field });
    t.match(await late.find('snapshot'), { cursor: /^2\./ });
    const health = await waitUntil('health shows it', async () => {
      const response = await api.request('/api/health');
      return response.body.status === 'degraded' && response;
    });
    t.match(health.body.checks, { cache: { status: 'down' }, queue: { status: 'up' } });
    t.match((await api.request('/api/')).body, { status: 'degraded', redis: false, database: true });
    t.equal((await api.request('/api/health/ready')).status, 200);

    await cache.start();
    await waitUntil(
      'the cache is used again',
      async () => (await api.request(statePath, { token })).headers.get('x-cache') === 'hit',
    );
    t.equal((await write(3)).status, 200);
    await Promise.all([client.waitForVersion(3), late.waitForVersion(3)]);
  },
);

t.test(
  'while neither queue accepts updates, they are refused with Retry-After, and reads are served',
  withoutPooler,
  async (t) => {
    const queue = await withRedis(t);
    const backing = await withBacking(t, { QUEUE_REDIS_URL: queue.queueUrl });
    await withWorker(t, backing);
    const { gate, url } = await withGatedDatabase(t, backing);
    const api = await withApi(t, backing, { DATABASE_URL: url });
    const token = await api.createToken();
    const client = await openStream(t, api, { token, field });
    await client.find('snapshot');
    const send = (counter: number) =>
      api.request(updatesPath, { token, body: { updates: [setCell(counter, 0, 0.5)] } });
    t.equal((await send(1)).status, 202);
    await client.waitForVersion(1);

    await queue.stop();
    gate.cut();
    const refused = await send(2);
    t.match(refused, { status: 503, body: { code: 'queue_unavailable' } });
    t.ok(Number(refused.headers.get('retry-after')) >= 1);
    client.send({ type: 'update', updates: [setCell(2, 0, 0.5)] });
    t.match(await client.find('error'), { problem: { code: 'queue_unavailable', status: 503 } });
    t.match(await api.request(statePath, { token }), { status: 200, body: { version: 1 } });
    const ready = await waitUntil('it is not ready', async () => {
      const response = await api.request('/api/health/ready');
      return response.status === 503 && response;
    });
    t.equal(ready.body.code, 'queue_unavailable');
    t.match(await api.request('/api/health'), { status: 503, body: { status: 'unhealthy' } });

    await queue.start();
    gate.open();
    await waitUntil('updates are accepted again', async () => (await send(2)).status === 202);
    await waitForVersion(backing, field, 2);
    await client.waitForVersion(2);
  },
);

t.test('while PostgreSQL is down, reads are served from the cache and updates are accepted', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const { gate, url } = await withGatedDatabase(t, backing);
  const api = await withApi(t, backing, { DATABASE_URL: url });
  const token = await api.createToken();
  const send = (counter: number) =>
    api.request(updatesPath, { token, body: { updates: [setCell(counter, counter % 30, 0.5)] } });
  t.equal((await send(1)).status, 202);
  await waitUntil('it is in the cache', async () => (await readCachedVersion(backing, field)) === 1);
  const painter = await openStream(t, api, { token: await api.createToken({ device: 'painter' }), field });
  await painter.find('presence');

  gate.cut();
  const read = await api.request(statePath, { token });
  t.match(read, { status: 200, body: { version: 1 } });
  t.equal(read.headers.get('x-cache'), 'hit');
  const client = await openStream(t, api, { token, field, after: asCursor(0) });
  t.match(await client.find('snapshot'), { cursor: /^1\./ }, 'a snapshot is sent because the log cannot be read');
  t.equal((await send(2)).status, 202);
  await client.waitForVersion(2);
  const stroke = { name: 'Ada', stroke: [1, 2, 3] };
  painter.send({ type: 'presence', data: stroke });
  const isShown = () =>
    client.messages.some(
      (message) =>
        message.type === 'presence' &&
        message.devices.some(({ device, data }) => device === 'painter' && data?.name === stroke.name),
    );
  await waitUntil('what a device shows arrives as well', isShown);
  const cold = await api.request('/api/fields/global', { token });
  t.match(cold, { status: 503, body: { code: 'reads_unavailable' } });
  t.ok(cold.headers.get('retry-after'));
  t.match(await api.request(`${updatesPath}?after=0`, { token }), { status: 503, body: { code: 'reads_unavailable' } });
  t.match(
    await send(9_000_000),
    { status: 503, body: { code: 'database_unavailable' } },
    'the counter cannot be checked',
  );
  t.match((await api.request('/api/health')).body, { checks: { database: { status: 'down' } } });

  gate.open();
  await waitUntil(
    'a cold field is read again',
    async () => (await api.request('/api/fields/global', { token })).status === 200,
  );
});

t.test('while PostgreSQL hangs, cached states are served, and not every read waits for it', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const { gate, url } = await withGatedDatabase(t, backing);
  const api = await withApi(t, backing, { DATABASE_URL: url });
  const token = await api.createToken();
  const fields = Array.from({ length: 20 }, (_, index) => asField(`hanging-${index}`));
  for (const each of fields) {
    const body = { updates: [setCell(1, 1, 0.5)] };
    await api.request(`/api/fields/${each}/updates`, { token, body, headers: { prefer: 'wait=20' } });
  }
  gate.blackhole();
  const startedAt = performance.now();
  for (const each of fields) {
    const read = await api.request(`/api/fields/${each}`, { token });
    t.equal(read.headers.get('x-cache'), 'hit');
  }
  t.ok(performance.now() - startedAt < 20 * 150, 'the comparison with PostgreSQL is waited for only once');
});

t.test('an API that starts before PostgreSQL waits for it', async (t) => {
  const backing = await withBacking(t);
  const { gate, url } = await withGatedDatabase(t, backing);
  gate.cut();
  const starting = withApi(t, backing, { DATABASE_URL: url });
  await waitUntil('it has tried twice', () => gate.refused >= 2);
  gate.open();
  const api = await starting;
  t.equal((await api.request('/api/health/live')).status, 200);
});

t.test('cached states of another installation are never read', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const api = await withApi(t, backing);
  const token = await api.createToken();
  await api.request(updatesPath, { token, body: { updates: [setCell(1, 0, 0.5)] }, headers: { prefer: 'wait=20' } });
  const { cacheRedis, config } = backing;
  const key = backing.keys.stateKey(field);
  const foreign = createCacheKeys(config.QUEUE_PREFIX, 'another').stateKey(field);
  await cacheRedis.rename(key, foreign);
  await cacheRedis.hset(foreign, 'version', '99');
  const read = await api.request(statePath, { token });
  t.equal(read.headers.get('x-cache'), 'miss');
  t.equal(read.body.version, 1);
});
