import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { readStored, waitForVersion } from '../support/read-back.ts';
import { withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, putParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withApi } from './support/with-app.ts';

const field = asField('flooded');
const path = `/api/fields/${field}/updates`;
const readRetryAfter = (headers: Headers) => Number(headers.get('retry-after'));

t.test('a queue whose memory is full accepts no updates, and workers still drain it', async (t) => {
  // A dedicated server with little memory, of which BullMQ's scripts alone take a few MB.
  const queue = await withRedis(t, { settings: { maxmemory: '16mb' } });
  const backing = await withBacking(t, { QUEUE_REDIS_URL: queue.queueUrl });
  const api = await withApi(t, backing);
  const token = await api.createToken();
  const content = 'x'.repeat(2000);
  let accepted = 0;
  const refused = await waitUntil('updates are refused', async () => {
    const updates = Array.from({ length: 100 }, (_, at) => putParticle(accepted + at + 1, `p-${at}`, { content }));
    const response = await api.request(path, { token, body: { updates } });
    if (response.status === 202) accepted += updates.length;
    return response.status !== 202 && response;
  });
  t.equal(refused.status, 503);
  t.match(refused.body, { code: 'overloaded', detail: /memory/ });
  t.ok(readRetryAfter(refused.headers) >= 1);
  t.comment(`${accepted} updates were accepted`);

  await withWorker(t, backing);
  await waitForVersion(backing, field, accepted);
  t.match(JSON.parse(await readStored(backing, field)), { version: accepted });
  await waitUntil('updates are accepted again', async () => {
    const response = await api.request(path, { token, body: { updates: [setCell(accepted + 1, 1, 0.5)] } });
    return response.status === 202;
  });
  await waitForVersion(backing, field, accepted + 1);
});

t.test('updates are refused before their body is read', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing, { MAX_BACKLOG: '1' });
  const token = await api.createToken();
  await waitUntil('the backlog is full', async () => {
    const response = await api.request(path, { token, body: { updates: [setCell(1, 1, 0.5)] } });
    return response.status === 503;
  });
  const { hostname, port } = new URL(api.address);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"upd',
  );
  const [response] = await once(socket, 'data');
  t.match(String(response), /^HTTP\/1\.1 503 /);
});

t.test('a burst between two polls of the memory does not overfill it', async (t) => {
  const queue = await withRedis(t, { settings: { maxmemory: '16mb' } });
  const backing = await withBacking(t, { QUEUE_REDIS_URL: queue.queueUrl });
  const api = await withApi(t, backing);
  const content = 'x'.repeat(2000);
  const updates = Array.from({ length: 100 }, (_, at) => putParticle(at + 1, `p-${at}`, { content }));
  const tokens = await Promise.all(
    Array.from({ length: 100 }, (_, index) => api.createToken({ device: asDevice(`phone-${index}`) })),
  );
  const responses = await Promise.all(tokens.map((token) => api.request(path, { token, body: { updates } })));
  const accepted = responses.filter(({ status }) => status === 202);
  t.comment(`${accepted.length} of ${responses.length} requests were accepted`);
  t.same([...new Set(responses.map(({ status }) => status))].sort(), [202, 503]);
  t.same([...new Set(accepted.map(({ body }) => body.durability))], ['fsync'], 'none went to the fallback queue');

  await withWorker(t, backing);
  await waitForVersion(backing, field, 100 * accepted.length);
});

t.test('requests whose connection is lost before admission are not counted', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing);
  const token = await api.createToken();
  const { hostname, port } = new URL(api.address);
  // Together more than the limit of in-flight bytes.
  const connecting = Array.from({ length: 300 }, async () => {
    const socket = connect(Number(port), hostname);
    socket.write(`GET /api/health/live HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
    await once(socket, 'data'); // The API has accepted the connection.
    return socket;
  });
  for (const socket of await Promise.all(connecting)) {
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"upd',
    );
    socket.destroy();
  }
  await waitUntil('updates are accepted', async () => {
    const response = await api.request(path, { token, body: { updates: [setCell(1, 1, 0.5)] } });
    return response.status === 202;
  });
});
