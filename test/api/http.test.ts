import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import Fastify from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import t from 'tap';
import { type App, decorateRequests } from '../../api/fastify-types.ts';
import { checkRequestPreconditions } from '../../api/plugins/request-preconditions.ts';
import { healthSchema, rootSchema } from '../../api/routes/health.ts';
import { problemSchema } from '../../shared/contract/problem.ts';
import { errorCodes } from '../../shared/errors.ts';
import { packageFile } from '../../shared/process/package-files.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withApi } from './support/with-app.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const token = await api.createToken();

t.test('the status and health routes need no token', async (t) => {
  const root = await api.request('/api/');
  t.match(rootSchema.parse(root.body), { status: 'ok', database: true, redis: true });
  const health = await api.request('/api/health');
  t.equal(health.status, 200);
  t.match(healthSchema.parse(health.body), {
    status: 'healthy',
    checks: { workers: { count: 1 }, queue: { backlog: 0 } },
  });
  t.match(await api.request('/api/health/live'), { status: 200, body: { status: 'live' } });
  t.match(await api.request('/api/health/ready'), { status: 200, body: { status: 'ready' } });
});

t.test('an unknown path is 404, a known one with another method 405 with the allowed methods', async (t) => {
  for (const path of ['/api/nothing', '/api/fields/global/nothing', '/api/fields/global/updates/a/1/2']) {
    const response = await api.request(path, { token });
    t.equal(response.status, 404, path);
    t.equal(problemSchema.parse(response.body).code, 'not_found');
  }
  const cases: [string, string, string][] = [
    ['DELETE', '/api/fields/global', 'GET, HEAD'],
    ['PUT', '/api/fields/global/updates', 'GET, HEAD, POST'],
    ['GET', '/api/devices', 'POST'],
    ['POST', '/api/health', 'GET, HEAD'],
  ];
  for (const [method, path, allow] of cases) {
    const response = await api.request(path, { method, token });
    t.equal(response.status, 405, path);
    t.equal(response.headers.get('allow'), allow);
    t.equal(problemSchema.parse(response.body).code, 'method_not_allowed');
  }
});

t.test('an invalid field id is invalid input', async (t) => {
  for (const id of ['UPPER', '-dash', 'a'.repeat(65), '%00', '%F0%9F%8C%80', 'a%2Fb', '__proto__']) {
    const response = await api.request(`/api/fields/${id}`, { token });
    t.equal(response.status, 400, id);
    t.match(problemSchema.parse(response.body), { code: 'invalid_input', errors: [{ path: '/path/field' }] }, id);
  }
  const broken = await api.request('/api/fields/%zz', { token });
  t.match(problemSchema.parse(broken.body), { status: 400, code: 'bad_request' });
});

/** Sends bytes and reads until the server ends the connection. */
function sendRaw(bytes: string): Promise<string> {
  const { port } = new URL(api.address);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => {
      socket.end();
      resolve(text);
    });
    socket.on('error', reject);
  });
}

const problemOf = (response: string) => problemSchema.parse(JSON.parse(response.slice(response.indexOf('\r\n\r\n'))));

t.test('bytes that are not HTTP are answered with a problem, and the connection ends', async (t) => {
  const response = await sendRaw('NONSENSE\r\n\r\n');
  t.match(response, /^HTTP\/1\.1 400 /);
  t.match(problemOf(response), { code: 'bad_request' });
});

t.test('requests that Node or ws would refuse themselves are answered with a problem', async (t) => {
  const upgrade = 'host: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n';
  const cases: [string, string][] = [
    ['no host', 'connection: close\r\n'],
    ['an expectation', 'host: localhost\r\nconnection: close\r\nexpect: miracles\r\n'],
    ['an upgrade without a key', `${upgrade}authorization: Bearer ${token}\r\n`],
  ];
  for (const [what, headers] of cases) {
    const response = await sendRaw(`GET /api/fields/global/stream HTTP/1.1\r\n${headers}\r\n`);
    t.match(response, /^HTTP\/1\.1 400 /, what);
    t.match(response, /content-type: application\/problem\+json/i, what);
    t.match(problemOf(response), { code: 'bad_request' }, what);
  }
});

t.test('an upgrade that is refused leaves no connection open', async (t) => {
  const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n';
  const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  for (const [path, host, status] of [
    ['/api/fields/global/stream', 'localhost', 401],
    ['/api/fields/global/stream', 'evil.example', 403],
    ['/api/nothing', 'localhost', 404],
    [`/api/${'a'.repeat(10_000)}`, 'localhost', 414],
  ] as const) {
    const response = await sendRaw(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${upgrade}${key}\r\n`);
    t.ok(response.startsWith(`HTTP/1.1 ${status} `), `${path.slice(0, 30)} at ${host}`);
  }
});

t.test('a request that arrives too slowly is cut off, in its head or in its body', async (t) => {
  const slow = await withApi(t, backing, { REQUEST_TIMEOUT_MS: '300' });
  const head = `POST /api/fields/slow/updates HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n`;
  const body = 'content-type: application/json\r\ncontent-length: 100000\r\n\r\n{"updates":';
  for (const [what, start, part] of [
    ['the head', head, 'x: y\r\n'],
    ['the body', head + body, ' '],
  ] as const) {
    const response = await trickle(slow.address, start, part);
    t.match(response, /^HTTP\/1\.1 408 /, what);
    t.match(problemOf(response), { code: 'request_timeout' }, what);
  }
});

/** Sends a beginning and then a part every 50 ms until the connection is closed. */
function trickle(address: string, start: string, part: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    socket.write(start); // Buffered until it is connected, so that it precedes the first part.
    const timer = setInterval(() => socket.write(part), 50);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => undefined); // `close` follows.
    socket.on('close', () => {
      clearInterval(timer);
      resolve(text);
    });
  });
}

t.test('the API reference works under its content security policy, and is docs/openapi.json', async (t) => {
  const page = await api.request('/docs');
  t.equal(page.status, 200);
  const policy = page.headers.get('content-security-policy') ?? '';
  t.match(policy, /script-src 'self'(;|$)/);
  t.notMatch(page.text, /<script>/, 'no script is inline');
  for (const [, file = ''] of page.text.matchAll(/(?:src|href)="(\/docs\/static\/[^"]+)"/g)) {
    t.equal((await api.request(file)).status, 200, file);
  }
  const { body } = await api.request('/docs/json');
  const path = packageFile('docs/openapi.json');
  if (process.env.WRITE_OPENAPI) await writeFile(path, `${JSON.stringify(body, null, 1)}\n`);
  t.same(JSON.parse(await readFile(path, 'utf8')), body, 'docs/openapi.json is current; npm run openapi writes it');
});

t.test('the type of a problem is an anchor on the error page', async (t) => {
  const page = await api.request('/docs/errors');
  t.equal(page.status, 200);
  t.match(page.headers.get('content-type'), /^text\/html/);
  const { body } = await api.request('/api/nothing');
  t.equal(body.type, '/docs/errors#not_found');
  for (const code of errorCodes) t.match(page.text, `<section id="${code}">`);
});

t.test('kept-alive and unused connections do not delay the shutdown', async (t) => {
  const stopping = await withApi(t, backing);
  await stopping.request('/api/health/live');
  const unused = connect(Number(new URL(stopping.address).port), '127.0.0.1');
  await new Promise((resolve) => unused.once('connect', resolve));
  const startedAt = Date.now();
  await stopping.stop();
  t.ok(Date.now() - startedAt < 10_000);
  await t.rejects(stopping.request('/api/health/live'));
});

t.test('a request keeps the address that it came from when its connection is closed', async (t) => {
  const app = Fastify().withTypeProvider<ZodTypeProvider>() as unknown as App;
  decorateRequests(app);
  checkRequestPreconditions(app, () => true);
  const seen: string[] = [];
  app.get('/', async (request) => {
    socket.destroy();
    await waitUntil('the connection is closed', () => request.raw.socket.destroyed);
    seen.push(request.address);
  });
  t.teardown(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'));
  await waitUntil('the request was handled', () => seen.length === 1);
  t.same(seen, ['127.0.0.1']);
});
