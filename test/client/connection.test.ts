import t from 'tap';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../shared/contract/stream.ts';
import { withTcpGate } from '../api/support/tcp-gate.ts';
import { withApi } from '../api/support/with-app.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitUntil } from '../support/wait-until.ts';
import { makeClient, waitForStatus, waitUntilSynced, withClient } from './with-client.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const { hostname: host, port } = new URL(api.address);
const longTimeout = { timeoutMs: 30_000 };

t.test('a socket that has fallen silent is noticed on waking, and the stream resumes by version', async (t) => {
  const field = 'silent';
  const gate = await withTcpGate(t, { host, port: Number(port) });
  const client = await withClient(t, { url: `http://127.0.0.1:${gate.port}`, field });
  const writer = await withClient(t, { url: api.address, field });
  await waitForStatus(client, 'live');
  writer.setCells([{ x: 0, y: 0, value: 0.5 }]);
  await waitUntil('it follows', () => client.state.version === 1);
  const messages: ServerMessage[] = [];
  client.on('message', (message) => messages.push(message));
  gate.blackhole();
  await writer.settled(writer.setCells([{ x: 1, y: 0, value: 0.5 }]));
  t.equal(client.state.version, 1, 'nothing comes through');
  client.wake();
  // The probe of a socket that is not woken comes after 15 s and waits 5 more.
  await waitUntil('it is back', () => client.state.version === 2, { timeoutMs: 10_000 });
  t.notOk(
    messages.some(({ type }) => type === 'snapshot'),
    'by a delta, not from the start',
  );
});

t.test('cut off, it says so, keeps edits, and sends them as soon as it is back', async (t) => {
  const field = 'cut';
  const gate = await withTcpGate(t, { host, port: Number(port) });
  const client = await withClient(t, { url: `http://127.0.0.1:${gate.port}`, field });
  await waitForStatus(client, 'live');
  gate.cut();
  await waitForStatus(client, 'offline');
  client.setCells([{ x: 0, y: 0, value: 0.5 }]);
  client.putParticle('p', { content: 'made offline' });
  t.match(client.state, { cells: { '0,0': 0.5 }, memoryParticles: [{ content: 'made offline' }] });
  t.equal(client.pending, 2);
  gate.open();
  client.wake();
  await waitUntilSynced(client);
  t.equal(client.state.version, 2);
});

t.test('a token is renewed before it runs out, in the middle of the stream', async (t) => {
  let asked = 0;
  const getToken = () => {
    asked += 1;
    return api.createToken({ device: 'renewing', expiresInSeconds: 8 });
  };
  const client = await withClient(t, { url: api.address, field: 'renewed', getToken });
  const statuses: string[] = [];
  await waitForStatus(client, 'live');
  client.on('status', (status) => statuses.push(status));
  await waitUntil('three tokens were needed', () => asked >= 3, longTimeout);
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await waitUntilSynced(client);
  t.same(statuses, [], 'it was live all the time');
});

t.test('a token that runs out in mid-stream costs a new connection, not an update', async (t) => {
  let asked = 0;
  // The client cannot see when this one runs out, so that the server ends the stream.
  class Opaque extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(
        url,
        protocols.map((protocol) => protocol.replace('bearer.opaque.', 'bearer.')),
      );
    }
  }
  const getToken = async () => {
    asked += 1;
    return `opaque.${await api.createToken({ device: 'expiring', expiresInSeconds: asked === 1 ? 2 : 600 })}`;
  };
  const request: typeof fetch = (url, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', (headers.get('authorization') ?? '').replace('opaque.', ''));
    return fetch(url, { ...init, headers });
  };
  const options = {
    url: api.address,
    field: 'expired',
    deviceId: 'expiring',
    getToken,
    fetch: request,
    WebSocket: Opaque,
  };
  const client = await withClient(t, options);
  await waitForStatus(client, 'live');
  await waitUntil('another token was asked for', () => asked >= 2, longTimeout);
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await waitUntilSynced(client);
  await waitForStatus(client, 'live');
});

t.test('a token that is not taken is said, and the outbox waits for a better one', async (t) => {
  let token = await api.createToken({ fields: ['elsewhere'] });
  const client = await withClient(t, { url: api.address, field: 'forbidden', getToken: () => token });
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await waitForStatus(client, 'refused');
  t.equal(client.pending, 1);
  token = await api.createToken({ device: 'allowed' });
  await client.close();
  await client.start();
  await waitUntilSynced(client);
});

t.test('a token that has run out for good is tried again, but not without end', async (t) => {
  let opened = 0;
  class Counted extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      opened += 1;
    }
  }
  const token = await api.createToken({ device: 'late', expiresInSeconds: -60 });
  const client = makeClient(t, { url: api.address, field: 'late', token, WebSocket: Counted });
  const statuses: string[] = [];
  client.on('status', (status) => statuses.push(status));
  await client.start();
  await waitForStatus(client, 'refused');
  t.equal(opened, 2);
  t.notOk(statuses.includes('live'), 'a socket that only says no is not taken for a stream');
});

t.test('an API that restarts is found again, and what it had accepted is not sent for nothing', async (t) => {
  const field = 'restarted';
  const first = await withApi(t, backing);
  const client = await withClient(t, { url: first.address, field });
  await waitForStatus(client, 'live');
  client.setCells([{ x: 0, y: 0, value: 0.1 }]);
  await waitUntilSynced(client);
  await first.stop();
  await waitUntil('it is gone', () => client.status !== 'live');
  client.setCells([{ x: 0, y: 0, value: 0.2 }]);
  const second = await withApi(t, backing, { PORT: new URL(first.address).port });
  t.equal(second.address, first.address);
  await waitUntil('it is live again', () => client.status === 'live', longTimeout);
  await waitUntilSynced(client);
  t.match(client.state, { version: 2, cells: { '0,0': 0.2 } });
});

t.test('a client that is closed and started again goes on where it was', async (t) => {
  const client = await withClient(t, { url: api.address, field: 'again' });
  client.setCells([{ x: 0, y: 0, value: 0.1 }]);
  await waitUntilSynced(client);
  await client.close();
  t.equal(client.status, 'closed');
  client.setCells([{ x: 0, y: 0, value: 0.2 }]);
  t.equal(client.pending, 1);
  await Promise.all([client.start(), client.close(), client.start()]);
  await waitUntilSynced(client);
  t.equal(client.state.version, 2);
});
