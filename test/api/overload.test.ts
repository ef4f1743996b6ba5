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

t.test('a queue whose memory runs full takes no more updates, and is emptied all the same', async (t) => {
  // A server of its own for the queue, a little larger than empty: BullMQ's scripts alone take a few MB.
  const queue = await withRedis(t, { settings: { maxmemory: '16mb' } });
  const backing = await withBacking(t, { QUEUE_REDIS_URL: queue.queueUrl });
  const api = await withApi(t, backing);
  const token = await api.createToken();
  const content = 'x'.repeat(2000);
  let accepted = 0;
  const refused = await waitUntil('updates are turned away', async () => {
    const updates = Array.from({ length: 100 }, (_, at) => putParticle(accepted + at + 1, `p-${at}`, { content }));
    const answer = await api.request(path, { token, body: { updates } });
    if (answer.status === 202) accepted += updates.length;
    return answer.status !== 202 && answer;
  });
  t.equal(refused.status, 503);
  t.equal(refused.body.code, 'overloaded');
  t.ok(readRetryAfter(refused.headers) >= 1);
  t.comment(`${accepted} updates were accepted`);

  await withWorker(t, backing);
  await waitForVersion(backing, field, accepted);
  t.match(JSON.parse(await readStored(backing, field)), { version: accepted });
  await waitUntil('updates are taken again', async () => {
    const answer = await api.request(path, { token, body: { updates: [setCell(accepted + 1, 1, 0.5)] } });
    return answer.status === 202;
  });
  await waitForVersion(backing, field, accepted + 1);
});

t.test('what is turned away is turned away before its body is read', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing, { MAX_BACKLOG: '1' });
  const token = await api.createToken();
  await waitUntil('the backlog is full', async () => {
    const answer = await api.request(path, { token, body: { updates: [setCell(1, 1, 0.5)] } });
    return answer.status === 503;
  });
  const { hostname, port } = new URL(api.address);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"upd',
  );
  const [answer] = await once(socket, 'data');
  t.match(String(answer), /^HTTP\/1\.1 503 /);
});

t.test('a rush between two looks at the memory does not overfill it', async (t) => {
  const queue = await withRedis(t, { settings: { maxmemory: '16mb' } });
  const backing = await withBacking(t, { QUEUE_REDIS_URL: queue.queueUrl });
  const api = await withApi(t, backing);
  const content = 'x'.repeat(2000);
  const updates = Array.from({ length: 100 }, (_, at) => putParticle(at + 1, `p-${at}`, { content }));
  const tokens = await Promise.all(
    Array.from({ length: 100 }, (_, index) => api.createToken({ device: asDevice(`phone-${index}`) })),
  );
  const answers = await Promise.all(tokens.map((token) => api.request(path, { token, body: { updates } })));
  const accepted = answers.filter(({ status }) => status === 202);
  t.comment(`${accepted.length} of ${answers.length} requests were accepted`);
  t.same([...new Set(answers.map(({ status }) => status))].sort(), [202, 503]);
  t.same([...new Set(accepted.map(({ body }) => body.durability))], ['fsync'], 'none had to go elsewhere');

  await withWorker(t, backing);
  await waitForVersion(backing, field, 100 * accepted.length);
});

t.test('requests whose senders are gone before their turn count no more', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing);
  const token = await api.createToken();
  const { hostname, port } = new URL(api.address);
  // More than may be in hand, were they counted for good.
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
  await waitUntil('updates are taken', async () => {
    const answer = await api.request(path, { token, body: { updates: [setCell(1, 1, 0.5)] } });
    return answer.status === 202;
  });
});
