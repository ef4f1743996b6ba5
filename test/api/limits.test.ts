/** Rate limits of users and addresses, over all processes. */
import t from 'tap';
import { ConcurrentStreamLimiter } from '../../api/rate-limits/concurrent-stream-limiter.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openStream, refusedUpgrade, streamUrl } from './support/stream-client.ts';
import { withTcpGate } from './support/tcp-gate.ts';
import { type TestApi, type TestResponse, withApi } from './support/with-app.ts';

// All tests send from one address; those of its limits name others, which their API trusts.
const backing = await withBacking(t, { LIMIT_WINDOW_SECONDS: '3600', LIMIT_ADDRESS_FACTOR: '0' });
const updatesPath = '/api/fields/limits/updates';
let counter = 0;
const batch = (size: number) => ({ updates: Array.from({ length: size }, () => setCell(++counter, 1, 0.5)) });

async function statusOf(api: TestApi, token: string, size: number): Promise<number> {
  return (await api.request(updatesPath, { token, body: batch(size) })).status;
}

t.test('requests and updates cost points, and the response has the remaining points', async (t) => {
  const api = await withApi(t, backing, { LIMIT_UPDATES: '100' });
  const token = await api.createToken({ user: 'points' });
  const first = await api.request(updatesPath, { token, body: batch(20) });
  t.equal(first.status, 202);
  t.equal(first.headers.get('ratelimit-policy'), '"updates";q=100;w=3600');
  t.match(first.headers.get('ratelimit'), /^"updates";r=79;t=\d+$/, '20 updates and a request');
  const refused = await api.request(updatesPath, { token, body: batch(79) });
  t.match(refused, { status: 429, body: { code: 'rate_limited', retryAfter: Number } });
  t.ok(Number(refused.headers.get('retry-after')) > 3000);
  t.equal(await statusOf(api, token, 20), 202, 'the remaining points can be used');
  t.equal(
    (await api.request('/api/fields/limits', { token: await api.createToken({ user: 'other' }) })).status,
    404,
    'reads',
  );
  t.equal(await statusOf(api, await api.createToken({ user: 'other' }), 20), 202, 'another user');
});

t.test('a user has one limit over all processes', async (t) => {
  const settings = { LIMIT_UPDATES: '200' };
  const [one, two] = [await withApi(t, backing, settings), await withApi(t, backing, settings)];
  const token = await one.createToken({ user: 'everywhere' });
  t.equal(await statusOf(one, token, 150), 202);
  const isKnown = async () => (await statusOf(two, token, 100)) === 429;
  // The other process gets the total with its first flush to Redis.
  t.equal(await statusOf(two, token, 1), 202);
  t.ok(await waitUntil('the other process knows', isKnown));
});

t.test('reads have their own limit, and a replay costs more than a read', async (t) => {
  const api = await withApi(t, backing, { LIMIT_READS: '30', LIMIT_UPDATES: '30' });
  const token = await api.createToken({ user: 'reader' });
  const read = (query = '') => api.request(`/api/fields/global${query}`, { token });
  t.match((await read('?at=0')).headers.get('ratelimit'), /^"reads";r=10;/);
  for (let count = 0; count < 10; count++) t.equal((await read()).status, 200);
  t.match(await read(), { status: 429, body: { code: 'rate_limited' } });
  t.equal(await statusOf(api, token, 10), 202, 'updates have another limit');
});

t.test('a message above the limit is answered with an error, and the socket stays open', async (t) => {
  const api = await withApi(t, backing, { LIMIT_UPDATES: '10' });
  const socket = await openStream(t, api, { token: await api.createToken({ user: 'socket' }), field: 'limits' });
  socket.send({ type: 'update', ...batch(8) });
  await socket.find('accepted');
  socket.send({ type: 'update', ...batch(8) });
  const { problem } = await socket.find('error');
  t.match(problem, { code: 'rate_limited', status: 429, retryAfter: Number });
  t.equal(socket.closed, undefined, 'the socket stays open');
});

t.test('open streams are limited over all processes, and so are new streams', async (t) => {
  const settings = { LIMIT_STREAMS: '2' };
  const [one, two] = [await withApi(t, backing, settings), await withApi(t, backing, settings)];
  const token = await one.createToken({ user: 'streams' });
  const socket = await openStream(t, one, { token, field: 'global' });
  await openStream(t, one, { token, field: 'global' });
  const tryOpen = async (api: TestApi) => {
    const response = await fetch(`${api.address}/api/fields/global/events`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await response.body?.cancel();
    return response.status;
  };
  t.ok(await waitUntil('the other process knows', async () => (await tryOpen(two)) === 429));
  socket.close();
  t.ok(await waitUntil('a closed stream can be replaced', async () => (await tryOpen(two)) === 200));

  const few = await withApi(t, backing, { LIMIT_NEW_STREAMS: '1' });
  const opener = await few.createToken({ user: 'opener' });
  (await openStream(t, few, { token: opener, field: 'global' })).close();
  const again = refusedUpgrade(streamUrl(few, 'global'), ['field.v2'], { authorization: `Bearer ${opener}` });
  t.match(await again, { status: 429, body: { code: 'rate_limited' } });
});

t.test('streams that are opened concurrently count', async (t) => {
  const limit = 5;
  const caller = { user: 'user', address: '192.0.2.1' };
  const limiter = new ConcurrentStreamLimiter({
    limit,
    addressLimit: 0,
    redis: backing.cacheRedis,
    keyPrefix: 'at-once',
  });
  t.teardown(() => limiter.close());
  const open = async () => {
    await limiter.reserve(caller);
    limiter.add(caller);
  };
  const attempts = await Promise.allSettled(Array.from({ length: 20 }, open));
  t.equal(attempts.filter(({ status }) => status === 'fulfilled').length, limit);
  limiter.remove(caller);
  await t.resolves(open(), 'a closed stream can be replaced');
});

t.test('an address with too many invalid tokens is refused, but not valid tokens from it', async (t) => {
  const api = await withApi(t, backing, { LIMIT_FAILED_LOGINS: '3' });
  const read = async (token: string) => (await api.request('/api/fields/global', { token })).status;
  t.same([await read('a.b.c'), await read('a.b.c'), await read('a.b.c')], [401, 401, 401]);
  t.equal(await read('a.b.c'), 429);
  t.equal(await read(await api.createToken({ user: 'neighbour' })), 200);
});

t.test('the address is that of the connection, unless a trusted proxy forwards another', async (t) => {
  const settings = { LIMIT_REGISTRATIONS: '1', OPEN_REGISTRATION: 'true' };
  const register = async (api: TestApi, from: string) =>
    (await api.request('/api/devices', { body: {}, headers: { 'x-forwarded-for': from } })).status;
  const open = await withApi(t, backing, settings);
  t.same([await register(open, '192.0.2.1'), await register(open, '192.0.2.2')], [201, 429]);
  const behind = await withApi(t, backing, { ...settings, TRUST_PROXY: '127.0.0.0/8', LIMIT_WINDOW_SECONDS: '3000' });
  t.same([await register(behind, '192.0.2.3'), await register(behind, '192.0.2.4')], [201, 201]);
  t.equal(await register(behind, '192.0.2.3'), 429);
  t.equal(await register(behind, '192.0.2.9, 192.0.2.4'), 429, 'addresses that the client itself sent are ignored');
});

const behindProxy = { TRUST_PROXY: '127.0.0.0/8', LIMIT_ADDRESS_FACTOR: '3' };

/** Sends a batch from an address, as a user of its own. */
async function sendFrom(api: TestApi, address: string, user: string, size: number): Promise<TestResponse> {
  const token = await api.createToken({ user, device: user });
  return api.request(updatesPath, { token, body: batch(size), headers: { 'x-forwarded-for': address } });
}

t.test('five identities at one address do not have five times the limit of a user', async (t) => {
  const api = await withApi(t, backing, { ...behindProxy, LIMIT_UPDATES: '1515' });
  const accepted = async (addressOf: (user: number) => string) => {
    let updates = 0;
    for (let user = 0; user < 5; user += 1) {
      for (let request = 0; request < 3; request += 1) {
        const { status } = await sendFrom(api, addressOf(user), `user-${addressOf(user)}-${user}`, 499);
        if (status === 202) updates += 499;
        else t.equal(status, 429);
      }
    }
    return updates;
  };
  t.equal(await accepted(() => '192.0.2.10'), 3 * 3 * 499, 'as many as three users');
  t.equal(await accepted((user) => `192.0.2.${20 + user}`), 5 * 3 * 499, 'from five addresses');
});

t.test('the refusal says that the address has used up its points, and another address is served', async (t) => {
  const api = await withApi(t, backing, { ...behindProxy, LIMIT_UPDATES: '100' });
  for (const user of ['a', 'b', 'c']) t.equal((await sendFrom(api, '192.0.2.30', user, 99)).status, 202);
  const refused = await sendFrom(api, '192.0.2.30', 'd', 99);
  t.match(refused, { status: 429, body: { code: 'rate_limited', detail: /network address/, retryAfter: Number } });
  t.equal((await sendFrom(api, '192.0.2.31', 'd', 99)).status, 202);
});

t.test('an IPv6 network of 64 bits is one address, for users and for registrations', async (t) => {
  const api = await withApi(t, backing, { ...behindProxy, LIMIT_UPDATES: '100', LIMIT_REGISTRATIONS: '3' });
  for (const [index, user] of ['e', 'f', 'g'].entries()) {
    t.equal((await sendFrom(api, `2001:db8:0:7::${index}`, user, 99)).status, 202);
  }
  t.equal((await sendFrom(api, '2001:db8:0:7:ffff::1', 'h', 99)).status, 429);
  t.equal((await sendFrom(api, '2001:db8:0:8::1', 'h', 99)).status, 202);
  const register = async (address: string) =>
    (await api.request('/api/devices', { body: {}, headers: { 'x-forwarded-for': address } })).status;
  for (let host = 1; host <= 3; host += 1) t.equal(await register(`2001:db8:1:1::${host}`), 201);
  t.equal(await register('2001:db8:1:1:9::9'), 429);
  t.equal(await register('2001:db8:1:2::1'), 201);
});

t.test('an IPv6 network of 64 bits is one address for invalid tokens', async (t) => {
  const api = await withApi(t, backing, { ...behindProxy, LIMIT_FAILED_LOGINS: '2' });
  const tryInvalid = async (address: string) =>
    (await api.request('/api/fields/global', { token: 'a.b.c', headers: { 'x-forwarded-for': address } })).status;
  t.same([await tryInvalid('2001:db8:2:1::1'), await tryInvalid('2001:db8:2:1::2')], [401, 401]);
  t.equal(await tryInvalid('2001:db8:2:1:f::3'), 429);
  t.equal(await tryInvalid('2001:db8:2:2::1'), 401);
});

t.test('reads and streams of an address have a limit too', async (t) => {
  const api = await withApi(t, backing, { ...behindProxy, LIMIT_READS: '4', LIMIT_STREAMS: '1' });
  const read = async (user: string) => {
    const headers = { 'x-forwarded-for': '192.0.2.40' };
    return (await api.request('/api/fields/global', { token: await api.createToken({ user }), headers })).status;
  };
  for (const user of ['i', 'j', 'k']) for (let count = 0; count < 4; count += 1) t.equal(await read(user), 200);
  t.equal(await read('l'), 429);

  const open = async (address: string, user: string) => {
    const headers = {
      'x-forwarded-for': address,
      authorization: `Bearer ${await api.createToken({ user })}`,
    };
    const abort = new AbortController();
    t.teardown(() => abort.abort());
    return (await fetch(`${api.address}/api/fields/global/events`, { headers, signal: abort.signal })).status;
  };
  t.same([await open('192.0.2.41', 'm'), await open('192.0.2.41', 'm')], [200, 429], 'one for each user');
  t.same([await open('192.0.2.41', 'n'), await open('192.0.2.41', 'o')], [200, 200]);
  t.equal(await open('192.0.2.41', 'p'), 429, 'three for the address');
  t.equal(await open('192.0.2.42', 'p'), 200);
});

t.test('a socket is charged to its address as well', async (t) => {
  const api = await withApi(t, backing, {
    LIMIT_ADDRESS_FACTOR: '1',
    LIMIT_UPDATES: '1000000',
    LIMIT_WINDOW_SECONDS: '3598',
  });
  const socket = await openStream(t, api, { token: await api.createToken({ user: 'q' }), field: 'limits' });
  socket.send({ type: 'update', ...batch(8) });
  await socket.find('accepted');
  const limited = await withApi(t, backing, { LIMIT_ADDRESS_FACTOR: '0.1', LIMIT_UPDATES: '50' });
  const other = await openStream(t, limited, { token: await limited.createToken({ user: 'r' }), field: 'limits' });
  other.send({ type: 'update', ...batch(8) });
  t.match((await other.find('error')).problem, { code: 'rate_limited', detail: /network address/ });
});

t.test('while Redis is unavailable each process limits on its own', async (t) => {
  const gate = await withTcpGate(t, { host: '127.0.0.1', port: backing.redis.port });
  const cacheUrl = new URL(backing.config.CACHE_REDIS_URL);
  cacheUrl.port = String(gate.port);
  gate.cut();
  const api = await withApi(t, backing, { LIMIT_UPDATES: '50', CACHE_REDIS_URL: cacheUrl.href });
  const token = await api.createToken({ user: 'alone' });
  t.equal(await statusOf(api, token, 40), 202);
  t.equal(await statusOf(api, token, 40), 429);
});

t.test('a user may create so many fields in a day, and write with so many devices', async (t) => {
  await withWorker(t, backing);
  const api = await withApi(t, backing, { LIMIT_NEW_FIELDS: '3', LIMIT_NEW_DEVICES: '2' });
  const write = async (field: string, user: string, device: string) => {
    const token = await api.createToken({ user, device });
    const headers = { prefer: 'wait=30' };
    return api.request(`/api/fields/${field}/updates`, { token, headers, body: { updates: [setCell(1, 1, 0.5)] } });
  };
  const statuses = await Promise.all(
    ['a', 'b', 'c'].map(async (id) => (await write(`new-${id}`, 'creator', 'p')).status),
  );
  t.same(statuses, [200, 200, 200]);
  const refused = await write('new-d', 'creator', 'p');
  t.match(refused, { status: 429, body: { code: 'too_many_fields', retryAfter: Number } });
  t.equal((await write('new-a', 'creator', 'q')).status, 200, 'an existing field costs nothing');
  t.match(await write('new-a', 'creator', 'r'), { status: 429, body: { code: 'too_many_devices' } });
  t.equal((await write('new-a', 'neighbour', 'r')).status, 200, 'another user');
  const restarted = await withApi(t, backing, { LIMIT_NEW_FIELDS: '3' });
  const token = await restarted.createToken({ user: 'visitor', device: 'v' });
  for (const id of ['a', 'b', 'c', 'a']) {
    const body = { updates: [setCell(2, 1, 0.5)] };
    t.equal((await restarted.request(`/api/fields/new-${id}/updates`, { token, body })).status, 202);
  }
  const again = await restarted.request('/api/fields/new-e/updates', {
    token,
    body: { updates: [setCell(1, 1, 0.5)] },
  });
  t.equal(again.status, 202, 'a process that has just started does not take existing fields for new ones');
});

t.test('0 means no limit', async (t) => {
  const api = await withApi(t, backing, { LIMIT_UPDATES: '0', LIMIT_READS: '0', LIMIT_STREAMS: '0' });
  const response = await api.request(updatesPath, { token: await api.createToken({ user: 'free' }), body: batch(500) });
  t.equal(response.status, 202);
  t.equal(response.headers.get('ratelimit'), null);
});
