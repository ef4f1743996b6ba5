/** What users and addresses may do, over all processes together. */
import t from 'tap';
import { ConcurrentStreamLimiter } from '../../api/rate-limits/concurrent-stream-limiter.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openStream, refusedUpgrade, streamUrl } from './support/stream-client.ts';
import { withTcpGate } from './support/tcp-gate.ts';
import { type TestApi, withApi } from './support/with-app.ts';

const backing = await withBacking(t, { LIMIT_WINDOW_SECONDS: '3600' });
const updatesPath = '/api/fields/limits/updates';
let counter = 0;
const batch = (size: number) => ({ updates: Array.from({ length: size }, () => setCell(++counter, 1, 0.5)) });

async function statusOf(api: TestApi, token: string, size: number): Promise<number> {
  return (await api.request(updatesPath, { token, body: batch(size) })).status;
}

t.test('updates cost points, not only requests, and the answer says how it stands', async (t) => {
  const api = await withApi(t, backing, { LIMIT_UPDATES: '100' });
  const token = await api.createToken({ user: 'points' });
  const first = await api.request(updatesPath, { token, body: batch(20) });
  t.equal(first.status, 202);
  t.equal(first.headers.get('ratelimit-policy'), '"updates";q=100;w=3600');
  t.match(first.headers.get('ratelimit'), /^"updates";r=79;t=\d+$/, '20 updates and a request');
  const refused = await api.request(updatesPath, { token, body: batch(79) });
  t.match(refused, { status: 429, body: { code: 'rate_limited', retryAfter: Number } });
  t.ok(Number(refused.headers.get('retry-after')) > 3000);
  t.equal(await statusOf(api, token, 20), 202, 'what is left can be spent');
  t.equal(
    (await api.request('/api/fields/limits', { token: await api.createToken({ user: 'other' }) })).status,
    404,
    'reads',
  );
  t.equal(await statusOf(api, await api.createToken({ user: 'other' }), 20), 202, 'another user');
});

t.test('a user has one budget over all processes', async (t) => {
  const settings = { LIMIT_UPDATES: '200' };
  const [one, two] = [await withApi(t, backing, settings), await withApi(t, backing, settings)];
  const token = await one.createToken({ user: 'everywhere' });
  t.equal(await statusOf(one, token, 150), 202);
  const isKnown = async () => (await statusOf(two, token, 100)) === 429;
  // Another process hears of it with its first word to Redis.
  t.equal(await statusOf(two, token, 1), 202);
  t.ok(await waitUntil('the other process knows', isKnown));
});

t.test('reads have a budget of their own, in which a replay costs more than a look', async (t) => {
  const api = await withApi(t, backing, { LIMIT_READS: '30', LIMIT_UPDATES: '30' });
  const token = await api.createToken({ user: 'reader' });
  const look = (query = '') => api.request(`/api/fields/global${query}`, { token });
  t.match((await look('?at=0')).headers.get('ratelimit'), /^"reads";r=10;/);
  for (let count = 0; count < 10; count++) t.equal((await look()).status, 200);
  t.match(await look(), { status: 429, body: { code: 'rate_limited' } });
  t.equal(await statusOf(api, token, 10), 202, 'updates are not touched by it');
});

t.test('an update over a socket that is one too many is answered with an error, not dropped', async (t) => {
  const api = await withApi(t, backing, { LIMIT_UPDATES: '10' });
  const socket = await openStream(t, api, { token: await api.createToken({ user: 'socket' }), field: 'limits' });
  socket.send({ type: 'update', ...batch(8) });
  await socket.find('accepted');
  socket.send({ type: 'update', ...batch(8) });
  const { problem } = await socket.find('error');
  t.match(problem, { code: 'rate_limited', status: 429, retryAfter: Number });
  t.equal(socket.closed, undefined, 'the socket stays');
});

t.test('streams are counted: those that are open, over all processes, and those that are opened', async (t) => {
  const settings = { LIMIT_STREAMS: '2' };
  const [one, two] = [await withApi(t, backing, settings), await withApi(t, backing, settings)];
  const token = await one.createToken({ user: 'streams' });
  const socket = await openStream(t, one, { token, field: 'global' });
  await openStream(t, one, { token, field: 'global' });
  const tryOn = async (api: TestApi) => {
    const response = await fetch(`${api.address}/api/fields/global/events`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await response.body?.cancel();
    return response.status;
  };
  t.ok(await waitUntil('the other process knows', async () => (await tryOn(two)) === 429));
  socket.close();
  t.ok(await waitUntil('there is room again', async () => (await tryOn(two)) === 200));

  const few = await withApi(t, backing, { LIMIT_NEW_STREAMS: '1' });
  const opener = await few.createToken({ user: 'opener' });
  (await openStream(t, few, { token: opener, field: 'global' })).close();
  const again = refusedUpgrade(streamUrl(few, 'global'), ['field.v1'], { authorization: `Bearer ${opener}` });
  t.match(await again, { status: 429, body: { code: 'rate_limited' } });
});

t.test('streams that are opened at the same moment count one another', async (t) => {
  const limit = 5;
  const counts = new ConcurrentStreamLimiter({ limit, redis: backing.cacheRedis, keyPrefix: 'at-once' });
  t.teardown(() => counts.close());
  const open = async () => {
    await counts.reserve('crowd');
    counts.add('crowd');
  };
  const tries = await Promise.allSettled(Array.from({ length: 20 }, open));
  t.equal(tries.filter(({ status }) => status === 'fulfilled').length, limit);
  counts.remove('crowd');
  await t.resolves(open(), 'what is closed makes room');
});

t.test('who fails to come in too often waits, but does not lock out others at the same address', async (t) => {
  const password = 'a long enough password';
  const api = await withApi(t, backing, {
    LIMIT_FAILED_LOGINS: '3',
    ADMIN_PASSWORD: password,
    NODE_ENV: 'production',
    OPEN_REGISTRATION: 'false',
  });
  const basic = (given: string) => ({ authorization: `Basic ${Buffer.from(`operator:${given}`).toString('base64')}` });
  const enter = async (given: string) => (await api.request('/metrics', { headers: basic(given) })).status;
  t.same([await enter('wrong 1'), await enter('wrong 2'), await enter('wrong 3')], [401, 401, 401]);
  t.equal(await enter('wrong 4'), 429);
  t.equal(await enter(password), 429, 'not even with the right one');
  t.equal((await api.request('/api/fields/global', { token: 'a.b.c' })).status, 429);
  t.equal(
    (await api.request('/api/fields/global', { token: await api.createToken({ user: 'neighbour' }) })).status,
    200,
  );
});

t.test('the address is that of the connection, unless a proxy that is trusted says otherwise', async (t) => {
  const settings = { LIMIT_REGISTRATIONS: '1', OPEN_REGISTRATION: 'true' };
  const register = async (api: TestApi, from: string) =>
    (await api.request('/api/devices', { body: {}, headers: { 'x-forwarded-for': from } })).status;
  const open = await withApi(t, backing, settings);
  t.same([await register(open, '192.0.2.1'), await register(open, '192.0.2.2')], [201, 429]);
  const behind = await withApi(t, backing, { ...settings, TRUST_PROXY: '127.0.0.0/8', LIMIT_WINDOW_SECONDS: '3000' });
  t.same([await register(behind, '192.0.2.3'), await register(behind, '192.0.2.4')], [201, 201]);
  t.equal(await register(behind, '192.0.2.3'), 429);
  t.equal(await register(behind, '192.0.2.9, 192.0.2.4'), 429, 'what a client says before the proxy is not believed');
});

t.test('while Redis is away each process limits for itself', async (t) => {
  const gate = await withTcpGate(t, { host: '127.0.0.1', port: backing.redis.port });
  const cacheUrl = new URL(backing.config.CACHE_REDIS_URL);
  cacheUrl.port = String(gate.port);
  gate.cut();
  const api = await withApi(t, backing, { LIMIT_UPDATES: '50', CACHE_REDIS_URL: cacheUrl.href });
  const token = await api.createToken({ user: 'alone' });
  t.equal(await statusOf(api, token, 40), 202);
  t.equal(await statusOf(api, token, 40), 429);
});

t.test('0 is no limit', async (t) => {
  const api = await withApi(t, backing, { LIMIT_UPDATES: '0', LIMIT_READS: '0', LIMIT_STREAMS: '0' });
  const answer = await api.request(updatesPath, { token: await api.createToken({ user: 'free' }), body: batch(500) });
  t.equal(answer.status, 202);
  t.equal(answer.headers.get('ratelimit'), null);
});
