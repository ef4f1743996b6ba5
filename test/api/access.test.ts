import { once } from 'node:events';
import { get, request as httpRequest, type IncomingMessage } from 'node:http';
import t from 'tap';
import { problemSchema } from '../../shared/contract/problem.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { refusedUpgrade, streamUrl } from './support/stream-client.ts';
import { type TestApi, withApi } from './support/with-app.ts';

const backing = await withBacking(t);
const api = await withApi(t, backing);
const production = await withApi(t, backing, {
  NODE_ENV: 'production',
  OPEN_REGISTRATION: 'false',
  ADMIN_PASSWORD: 'a long enough password',
  CORS_ORIGINS: 'https://field.example, https://other.example/',
});
const token = await api.createToken();
const operator = await api.createToken({ scope: ['admin'], device: null });
const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`operator:${password}`).toString('base64')}`,
});

const protectedReads = ['', '/updates', '/updates/phone-1/1', '/conflicts', '/clock', '/events'].map(
  (path) => `/api/fields/global${path}`,
);

t.test('without a valid token every route of a field answers 401 with the authentication scheme', async (t) => {
  const truncated = token.slice(0, -3);
  for (const path of protectedReads) {
    for (const candidate of [undefined, 'nonsense', truncated, `${token}x`]) {
      const response = await api.request(path, { token: candidate });
      t.equal(response.status, 401, path);
      t.equal(problemSchema.parse(response.body).code, 'unauthorized');
      t.match(response.headers.get('www-authenticate'), /^Bearer/);
    }
  }
  const write = await api.request('/api/fields/global/updates', { body: { updates: [] } });
  t.equal(write.status, 401, 'before the body is validated');
});

t.test('an expired token is answered with token_expired', async (t) => {
  const expired = await api.createToken({ expiresInSeconds: -60 });
  t.match(await api.request('/api/fields/global', { token: expired }), {
    status: 401,
    body: { code: 'token_expired' },
  });
});

t.test('a token only gives access to its fields, by name or by pattern', async (t) => {
  const team = await api.createToken({ fields: ['team-*', 'garden'] });
  const statusOf = async (field: string) =>
    (await api.request(`/api/fields/${field}/updates`, { token: team, body: { updates: [setCell(1, 0, 0.5)] } }))
      .status;
  t.same([await statusOf('team-a'), await statusOf('garden')], [202, 202]);
  t.same([await statusOf('gardens'), await statusOf('tea'), await statusOf('global')], [403, 403, 403]);
  for (const path of protectedReads) t.equal((await api.request(path, { token: team })).status, 403, path);
});

t.test('reading and writing are separate scopes, and only a device writes', async (t) => {
  const body = { updates: [setCell(1, 0, 0.5)] };
  const path = '/api/fields/scopes/updates';
  const reader = await api.createToken({ scope: ['field:read'] });
  t.match(await api.request(path, { token: reader, body }), { status: 403, body: { code: 'forbidden' } });
  const writer = await api.createToken({ scope: ['field:write'] });
  t.equal((await api.request(path, { token: writer, body })).status, 202);
  t.equal((await api.request('/api/fields/global', { token: writer })).status, 403);
  const withoutDevice = await api.createToken({ device: null });
  t.match(await api.request(path, { token: withoutDevice, body }), { status: 403, body: { code: 'forbidden' } });
  t.equal((await api.request('/api/fields/global', { token: withoutDevice })).status, 200);
});

t.test('Bull Board is only for operators: its page, its API and its files', async (t) => {
  const paths = [
    '/admin/queues',
    '/admin/queues/',
    '/admin/queues/api/queues',
    '/admin/queues/static/favicon-32x32.png',
  ];
  for (const path of paths) {
    for (const instance of [api, production]) {
      const anonymous = await instance.request(path);
      t.equal(anonymous.status, 401, path);
      t.ok(anonymous.headers.get('www-authenticate'), path);
      t.equal((await instance.request(path, { token })).status, 403, path);
      t.not((await instance.request(path, { token: operator })).status, 401, path);
    }
  }
  const { text } = await api.request('/admin/queues', { token: operator });
  t.match(text, /Field queues/);
  const script = /src="(static\/js\/[^"]+)"/.exec(text)?.[1];
  t.equal((await api.request(`/admin/queues/${script}`, { token: operator })).status, 200);
  t.match((await api.request('/admin/queues/api/queues', { token: operator })).body, { queues: [{ name: 'updates' }] });
  for (const action of ['pause', 'empty', 'obliterate', 'clean/failed', 'retry/failed']) {
    const path = `/admin/queues/api/queues/updates/${action}`;
    t.equal((await api.request(path, { method: 'PUT' })).status, 401, action);
  }
});

t.test('an operator can authenticate with the password where one is set, but not from another site', async (t) => {
  const path = '/admin/queues/api/queues';
  t.equal((await production.request(path, { headers: basic('a long enough password') })).status, 200);
  t.equal((await production.request(path, { headers: basic('a wrong password') })).status, 401);
  t.equal((await api.request(path, { headers: basic('') })).status, 401, 'no password is set');
  const forged = { ...basic('a long enough password'), origin: 'https://evil.example' };
  t.equal(
    (await production.request('/admin/queues/api/queues/updates/pause', { method: 'PUT', headers: forged })).status,
    403,
  );
});

t.test('an operator is challenged on one header line for each scheme, also after a wrong password', async (t) => {
  for (const path of ['/admin/queues', '/admin/queues/api/queues', '/metrics']) {
    for (const headers of [{}, basic('a wrong password')]) {
      const both = ['Basic realm="operator", charset="UTF-8"', 'Bearer'];
      t.same(await challengesOf(`${production.address}${path}`, headers), both, path);
    }
  }
  t.same(await challengesOf(`${api.address}/admin/queues`), ['Bearer'], 'no password is set');
  t.same(await challengesOf(`${production.address}/api/fields/global`), ['Bearer'], 'a field accepts only tokens');
});

/** The header lines as they were sent, because `fetch` joins them. */
async function challengesOf(url: string, headers: Record<string, string> = {}): Promise<string[]> {
  const [response] = (await once(get(url, { headers, agent: false }), 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  const { rawHeaders } = response;
  return rawHeaders.filter(
    (_, index) => rawHeaders[index - 1]?.toLowerCase() === 'www-authenticate' && index % 2 === 1,
  );
}

t.test('the metrics are open in development and for operators in production', async (t) => {
  t.match(
    (await api.request('/metrics')).text,
    /field_http_request_duration_seconds_count\{route="\/api\/fields\/:field"/,
  );
  t.equal((await production.request('/metrics')).status, 401);
  t.equal((await production.request('/metrics', { token })).status, 403);
  t.equal((await production.request('/metrics', { token: operator })).status, 200);
  t.equal((await production.request('/metrics', { headers: basic('a long enough password') })).status, 200);
});

t.test('only configured origins may read responses or open sockets', async (t) => {
  const allowed = async (origin: string) =>
    (await production.request('/api/', { headers: { origin } })).headers.get('access-control-allow-origin');
  t.equal(await allowed('https://field.example'), 'https://field.example');
  t.equal(await allowed('https://other.example'), 'https://other.example');
  t.equal(await allowed('https://evil.example'), null);
  const preflight = await production.request('/api/fields/global/updates', {
    method: 'OPTIONS',
    headers: {
      origin: 'https://field.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,prefer',
    },
  });
  t.equal(preflight.status, 204);
  t.equal(preflight.headers.get('access-control-allow-headers'), 'authorization,prefer');
  t.equal(preflight.headers.get('access-control-allow-methods'), 'GET, HEAD, POST');
  t.equal(preflight.headers.get('access-control-allow-origin'), 'https://field.example');
  t.equal(preflight.headers.get('vary'), 'Origin, Access-Control-Request-Headers');
  const plain = await production.request('/api/');
  t.equal(plain.headers.get('vary'), 'Origin', 'caches get Vary on every response');
  t.match(plain.headers.get('access-control-expose-headers'), /etag.*ratelimit/);
  const evil = { authorization: `Bearer ${token}`, origin: 'https://evil.example' };
  t.match(await refusedUpgrade(streamUrl(production, 'global'), ['field.v2'], evil), { status: 403 });
});

t.test('without configured origins no response has CORS headers', async (t) => {
  const headers = { origin: 'https://field.example', 'access-control-request-method': 'POST' };
  const preflight = await api.request('/api/fields/global/updates', { method: 'OPTIONS', headers });
  t.ok(preflight.status >= 400, 'browsers treat an error as a refusal');
  for (const { headers } of [preflight, await api.request('/api/', { headers: { origin: 'https://field.example' } })]) {
    t.same(
      [...headers.keys()].filter((name) => /^access-control-|^vary$/.test(name)),
      [],
    );
  }
});

t.test('data can be neither rendered nor framed, and documents are isolated', async (t) => {
  const path = '/api/fields/global';
  const known = await api.request(path, { token });
  t.equal(known.status, 200);
  const unchanged = { 'if-none-match': known.headers.get('etag') ?? '' };
  for (const response of [
    known,
    await api.request(path, { token, headers: unchanged }),
    await api.request(path),
    await api.request('/api/x'),
  ]) {
    t.equal(response.headers.get('content-security-policy'), "default-src 'none';frame-ancestors 'none'");
    t.equal(response.headers.get('x-content-type-options'), 'nosniff');
    t.match(response.headers.get('strict-transport-security'), 'max-age=31536000');
    t.equal(response.headers.get('cross-origin-resource-policy'), 'same-origin');
  }
  for (const document of ['/', '/docs', '/docs/errors', '/admin/queues/', '/nothing']) {
    const { headers } = await api.request(document);
    t.match(headers.get('content-security-policy'), "frame-ancestors 'none'", document);
    t.match(headers.get('content-security-policy'), "script-src 'self'", document);
    t.equal(headers.get('cross-origin-opener-policy'), 'same-origin', document);
    t.equal(headers.get('x-frame-options'), 'DENY', document);
    t.equal(headers.get('x-content-type-options'), 'nosniff', document);
  }
});

t.test('a page whose name was rebound to this machine is refused, except in production', async (t) => {
  const status = async (api: TestApi, host: string, path = '/api/health/live') => {
    const { hostname, port } = new URL(api.address);
    return new Promise<number>((resolve, reject) => {
      const request = httpRequest({ hostname, port, path, headers: { host }, agent: false }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      request.on('error', reject).end();
    });
  };
  for (const host of ['127.0.0.1:3000', 'localhost', 'LOCALHOST:80', '[::1]:3000'])
    t.equal(await status(api, host), 200, host);
  for (const host of ['attacker.example', 'localhost.attacker.example:3000', '127.0.0.1.attacker.example', '10.0.0.7'])
    t.equal(await status(api, host), 403, host);
  t.equal(await status(api, 'attacker.example', '/'), 403, 'the page');
  t.equal(await status(api, 'attacker.example', '/no-such-route'), 403);
  const named = await withApi(t, backing, { ALLOWED_HOSTS: 'field.example, other.example' });
  t.same([await status(named, 'field.example:443'), await status(named, 'attacker.example')], [200, 403]);
  const open = await withApi(t, backing, { HOST: '0.0.0.0' });
  t.same(
    [await status(open, '192.168.1.7:3000'), await status(open, 'attacker.example')],
    [200, 403],
    'phones use an address',
  );
  const production = await withApi(t, backing, { NODE_ENV: 'production', OPEN_REGISTRATION: 'false' });
  t.equal(await status(production, 'anything.example'), 200);
});
