import t from 'tap';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../shared/contract/messages.ts';
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

t.test('a dead socket is detected on wake, and the stream resumes from the version of the client', async (t) => {
  const field = 'silent';
  const gate = await withTcpGate(t, { host, port: Number(port) });
  const client = await withClient(t, { url: `http://127.0.0.1:${gate.port}`, field });
  const writer = await withClient(t, { url: api.address, field });
  await waitForStatus(client, 'live');
  writer.setCells([{ x: 0, y: 0, value: 0.5 }]);
  await waitUntil('the client is up to date', () => client.state.version === 1);
  const messages: ServerMessage[] = [];
  client.on('message', (message) => messages.push(message));
  gate.blackhole();
  await writer.settled(writer.setCells([{ x: 1, y: 0, value: 0.5 }]));
  t.equal(client.state.version, 1, 'nothing arrives');
  client.wake();
  // Without `wake`, the next probe would come after up to 15 s, and would wait 5 s for a pong.
  await waitUntil('the client is up to date again', () => client.state.version === 2, { timeoutMs: 10_000 });
  t.notOk(
    messages.some(({ type }) => type === 'snapshot'),
    'by a delta, not by a snapshot',
  );
});

t.test('without a network the client is offline, keeps edits, and sends them once reconnected', async (t) => {
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

t.test('a token is renewed before it expires, without interrupting the stream', async (t) => {
  let calls = 0;
  const getToken = () => {
    calls += 1;
    return api.createToken({ device: 'renewing', expiresInSeconds: 8 });
  };
  const client = await withClient(t, { url: api.address, field: 'renewed', getToken });
  const statuses: string[] = [];
  await waitForStatus(client, 'live');
  client.on('status', (status) => statuses.push(status));
  await waitUntil('getToken was called three times', () => calls >= 3, longTimeout);
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await waitUntilSynced(client);
  t.same(statuses, [], 'the status stayed live');
});

t.test('a token that expires during the stream causes a reconnection and loses no update', async (t) => {
  let calls = 0;
  // The client cannot decode this token, so it does not renew it in time and the server closes the stream.
  class Opaque extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(
        url,
        protocols.map((protocol) => protocol.replace('bearer.opaque.', 'bearer.')),
      );
    }
  }
  const getToken = async () => {
    calls += 1;
    return `opaque.${await api.createToken({ device: 'expiring', expiresInSeconds: calls === 1 ? 2 : 600 })}`;
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
  await waitUntil('another token was requested', () => calls >= 2, longTimeout);
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  await waitUntilSynced(client);
  await waitForStatus(client, 'live');
});

t.test('a rejected token is reported, and the outbox is kept for another one', async (t) => {
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

t.test('a token that stays expired is retried only after a pause', async (t) => {
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
  t.notOk(statuses.includes('live'), 'a socket that only receives an error does not count as a stream');
});

t.test('a client reconnects to a restarted API, and updates made in the meantime are applied', async (t) => {
  const field = 'restarted';
  const first = await withApi(t, backing);
  const client = await withClient(t, { url: first.address, field });
  await waitForStatus(client, 'live');
  client.setCells([{ x: 0, y: 0, value: 0.1 }]);
  await waitUntilSynced(client);
  await first.stop();
  await waitUntil('the stream has ended', () => client.status !== 'live');
  client.setCells([{ x: 0, y: 0, value: 0.2 }]);
  const second = await withApi(t, backing, { PORT: new URL(first.address).port });
  t.equal(second.address, first.address);
  await waitUntil('the client is live again', () => client.status === 'live', longTimeout);
  await waitUntilSynced(client);
  t.match(client.state, { version: 2, cells: { '0,0': 0.2 } });
});

t.test('a client that is closed and started again continues with its state and outbox', async (t) => {
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
