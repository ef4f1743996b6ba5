/** Slow connections, and connections that end at something else than the API. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { streamProtocol } from '../../shared/contract/wire.ts';
import { withTcpGate } from '../api/support/tcp-gate.ts';
import { withApi } from '../api/support/with-app.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitUntil } from '../support/wait-until.ts';
import { makeClient, waitForStatus, waitUntilSynced, withClient } from './with-client.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const longTimeout = { timeoutMs: 60_000 };

t.test('a state that takes longer to arrive than a probe waits is loaded by the first connection', async (t) => {
  const writer = await withClient(t, { url: api.address, field: 'slow' });
  // Text that cannot be compressed to less than three quarters.
  for (let index = 0; index < 200; index++)
    writer.putParticle(`p${index}`, { content: randomBytes(1500).toString('base64') });
  await waitUntilSynced(writer);
  const { hostname: host, port } = new URL(api.address);
  const gate = await withTcpGate(t, { host, port: Number(port) });
  // At least 300 kB in 7 s; a connection without a message used to be ended after 5 s.
  gate.throttle(42_000);
  let opened = 0;
  class Counted extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      opened += 1;
    }
  }
  const token = await api.createToken({ device: 'slow-phone' });
  const url = `http://127.0.0.1:${gate.port}`;
  const client = await withClient(t, { url, field: 'slow', token, WebSocket: Counted });
  await waitUntil('the state has arrived', () => client.state.memoryParticles.length === 200, longTimeout);
  t.equal(opened, 1);
});

t.test('the same state is loaded by polling as long as bytes arrive', async (t) => {
  const { hostname: host, port } = new URL(api.address);
  const gate = await withTcpGate(t, { host, port: Number(port) });
  // Half a megabyte in 12 s; a request used to be ended after 10 s.
  gate.throttle(40_000);
  const token = await api.createToken({ device: 'slow-poller' });
  const url = `http://127.0.0.1:${gate.port}`;
  const client = await withClient(t, { url, field: 'slow', token, transports: ['polling'] });
  const problems: string[] = [];
  client.on('problem', ({ code }) => problems.push(code));
  await waitUntil('the state has arrived', () => client.state.memoryParticles.length === 200, longTimeout);
  t.same(problems, []);
});

t.test('requests shrink until they pass a link that lets only small ones through', async (t) => {
  const sizes: number[] = [];
  const request: typeof fetch = (url, init) => {
    const size = typeof init?.body === 'string' ? init.body.length : 0;
    if (`${url}`.endsWith('/updates')) sizes.push(size);
    return size > 20_000 ? Promise.reject(new TypeError('the connection was reset')) : fetch(url, init);
  };
  const client = makeClient(t, { url: api.address, field: 'uplink', fetch: request, random: () => 0 });
  for (let index = 0; index < 60; index++) client.putParticle(`p${index}`, { content: 'x'.repeat(2000) });
  await client.start();
  await waitUntilSynced(client);
  t.ok((sizes[0] ?? 0) > 100_000, 'all at once at first');
  t.equal((await client.read<{ version: number }>('?view=summary')).version, 60);
});

const portals: Record<string, () => Response> = {
  'a login page': () => new Response('<html>Welcome to the hotel</html>', { headers: { 'content-type': 'text/html' } }),
  'JSON of another service': () => Response.json({ ok: true }),
  'a list': () => Response.json([1, 2, 3]),
  'a proxy that forbids': () => new Response('<html>403 Forbidden</html>', { status: 403 }),
  'a proxy that wants a login': () => new Response('', { status: 401 }),
  'a proxy with a limit of its own': () => new Response('<html>too large</html>', { status: 413 }),
  'an error of another API': () => Response.json({ code: 'forbidden', status: 200 }, { status: 400 }),
};
for (const [name, respond] of Object.entries(portals)) {
  t.test(`${name} in place of the API is not believed, and nothing is lost`, async (t) => {
    let isBehindPortal = true;
    const request: typeof fetch = (url, init) => (isBehindPortal ? Promise.resolve(respond()) : fetch(url, init));
    const token = await api.createToken({ device: `guest-of-${name.replaceAll(' ', '-')}` });
    const options = { url: api.address, field: 'portal', token, fetch: request, random: () => 0 };
    const client = makeClient(t, { ...options, transports: ['polling'] });
    const codes = new Set<string>();
    client.on('problem', ({ code }) => codes.add(code));
    const entry = client.setCells([{ x: 1, y: 1, value: 0.5 }]);
    await client.start();
    await waitUntil('the response was noticed', () => codes.size > 0 && client.status === 'offline');
    t.same([...codes], ['unexpected_response']);
    t.match(client.outbox[0], { key: entry.key, status: 'queued' });
    isBehindPortal = false;
    client.wake();
    await waitUntilSynced(client);
  });
}

/** Accepts every upgrade. @returns its address and the times of the connections */
async function withSocketServer(t: Test, accept: (socket: WebSocket) => void, protocol: string) {
  const server = createServer((_request, response) => response.writeHead(503).end());
  const sockets = new WebSocketServer({ server, handleProtocols: () => protocol });
  const times: number[] = [];
  sockets.on('connection', (socket) => {
    times.push(performance.now());
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, times };
}

t.test('a server that greets every connection and ends it is called again after growing pauses', async (t) => {
  const pong = JSON.stringify({ type: 'pong', serverTime: Date.now() });
  const greetAndClose = (socket: WebSocket) => socket.send(pong, () => socket.close(1011));
  const { url, times } = await withSocketServer(t, greetAndClose, streamProtocol);
  const token = await api.createToken({ device: 'greeted' });
  await withClient(t, { url, field: 'greeted', token, random: () => 0.99 });
  await waitUntil('it was called four times', () => times.length >= 4, longTimeout);
  const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  t.ok((pauses[2] ?? 0) > 1500, `pauses of ${pauses.map(Math.round)} ms`);
});

t.test('a socket that something else has accepted is not taken for a stream', async (t) => {
  const { url } = await withSocketServer(t, () => undefined, 'chat');
  const token = await api.createToken({ device: 'chatting' });
  const client = await withClient(t, { url, field: 'chat', token, random: () => 0 });
  await waitForStatus(client, 'offline');
  t.equal(client.transport, undefined);
});
