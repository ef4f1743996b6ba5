/** What is refused, is refused before it is read, parsed or validated, and costs its sender points. */
import { request as httpRequest } from 'node:http';
import t from 'tap';
import { withBacking } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openStream, type StreamClient } from './support/stream-client.ts';
import { withApi } from './support/with-app.ts';

const backing = await withBacking(t, { LIMIT_WINDOW_SECONDS: '3600', LIMIT_ADDRESS_FACTOR: '0' });
const api = await withApi(t, backing);
const token = await api.createToken();
const unknownKeys = JSON.stringify(Object.fromEntries(Array.from({ length: 90_000 }, (_, at) => [`k${at}`, 1])));

const errorCodes = ({ messages }: StreamClient) =>
  messages.flatMap((message) => (message.type === 'error' ? [message.problem.code] : []));

/** Sends the headers of a body that never comes. */
function sendHead(method: string, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${api.address}${path}`, { method, headers, agent: false }, (response) => {
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
    request.on('error', reject);
    request.flushHeaders();
  });
}

t.test('registrations are counted before their body is read', async (t) => {
  const limited = await withApi(t, backing, { OPEN_REGISTRATION: 'true', LIMIT_REGISTRATIONS: '2' });
  const register = async () => (await limited.request('/api/devices', { body: '{"deviceId":5}' })).status;
  t.same([await register(), await register(), await register()], [400, 400, 429]);
});

t.test('a closed registration refuses without reading the body, and an open one reads 1 KB', async (t) => {
  const closed = await withApi(t, backing, { OPEN_REGISTRATION: 'false' });
  const refused = await closed.request('/api/devices', { body: unknownKeys });
  t.match(refused, { status: 403, body: { code: 'forbidden' } });
  t.ok(refused.text.length < 400, `an answer of ${refused.text.length} bytes`);
  const large = await api.request('/api/devices', { body: { deviceId: 'x'.repeat(2000) } });
  t.match(large, { status: 413, body: { code: 'too_large' } });
});

t.test('a request that has no body is refused with one, before the body arrives', async (t) => {
  const headers = { authorization: `Bearer ${token}`, 'content-length': '1000000' };
  t.equal(await sendHead('GET', '/api/fields/global', headers), 413);
  t.equal(await sendHead('HEAD', '/api/fields/global', headers), 413);
  t.equal(await sendHead('GET', '/api/health/live', { 'transfer-encoding': 'chunked' }), 413);
  t.equal(await sendHead('GET', '/api/fields/global', { ...headers, 'content-length': '0' }), 200);
});

t.test('a HEAD request to a stream is answered at once and opens none', async (t) => {
  const events = await api.request('/api/fields/global/events', { method: 'HEAD', token });
  t.equal(events.status, 200);
  t.match(events.headers.get('content-type'), /text\/event-stream/);
  t.equal((await api.request('/api/fields/global/events', { method: 'HEAD' })).status, 401);
  t.equal((await api.request('/api/fields/global/stream', { method: 'HEAD', token })).status, 400);
});

t.test('the size of a request costs points, which are charged before it is parsed', async (t) => {
  const limited = await withApi(t, backing, { LIMIT_UPDATES: '100' });
  const sender = await limited.createToken({ user: 'large requests' });
  const post = () => limited.request('/api/fields/cheap/updates', { token: sender, body: `${' '.repeat(800_000)}{` });
  const first = await post();
  t.equal(first.status, 400);
  t.match(first.headers.get('ratelimit'), /r=51;/, 'one for the request, and one for each 16 KiB of it');
  t.match(await post(), { status: 400 });
  t.match(await post(), { status: 429, body: { code: 'rate_limited' } });
});

t.test(
  'updates of a socket that cannot write are refused before they are parsed, and the socket is closed',
  async (t) => {
    const reader = await api.createToken({ user: 'reader', scope: ['field:read'] });
    const client = await openStream(t, api, { token: reader, field: 'global' });
    const large = `{"type":"update","updates":[${'['.repeat(600_000)}`;
    let sent = 0;
    while (!client.closed) {
      client.send(large);
      sent += 1;
      await waitUntil('the message is refused', () => errorCodes(client).length === sent || client.closed);
    }
    t.equal(client.closed.code, 1008);
    t.ok(sent > 5 && sent <= 12, `after ${sent} messages`);
    t.ok(errorCodes(client).every((code) => code === 'forbidden'));
  },
);

t.test('a socket is closed that keeps sending what is refused, and each refusal costs points', async (t) => {
  const limited = await withApi(t, backing, { LIMIT_UPDATES: '200' });
  const sender = await limited.createToken({ user: 'refused' });
  const client = await openStream(t, limited, { token: sender, field: 'cheap' });
  for (let index = 0; index < 20; index++) client.send({ type: 'update', updates: [{ ...setCell(1, 0, 0.5), x: 1 }] });
  await waitUntil('the socket is closed', () => client.closed);
  t.equal(client.closed?.code, 1008);
  const next = await limited.request('/api/fields/cheap/updates', { token: sender, body: { updates: [] } });
  const remaining = Number(/r=(\d+)/.exec(next.headers.get('ratelimit') ?? '')?.[1]);
  t.ok(remaining < 160, `${remaining} of 200 points remain`);
});

t.test('a message above the budget is refused before it is parsed', async (t) => {
  const limited = await withApi(t, backing, { LIMIT_UPDATES: '10' });
  const client = await openStream(t, limited, { token: await limited.createToken({ user: 'big' }), field: 'cheap' });
  client.send(`{"type":"update",${'['.repeat(600_000)}`);
  await client.find('error');
  t.same(errorCodes(client), ['rate_limited'], 'and not for what it contains');
});

t.test('a flood of pings or pongs closes the socket', async (t) => {
  for (const kind of ['ping', 'pong'] as const) {
    const client = await openStream(t, api, { token, field: 'global' });
    client.socket.on('error', () => undefined); // It writes after the server has closed the connection.
    for (let sent = 0; sent < 400; sent++) client.socket[kind]('x');
    await waitUntil(`the socket is closed after ${kind}s`, () => client.closed);
    // `ws` itself terminates a socket with too many pongs that have not left the process.
    t.ok([1008, ...(kind === 'ping' ? [1006] : [])].includes(client.closed?.code ?? 0), kind);
  }
});
