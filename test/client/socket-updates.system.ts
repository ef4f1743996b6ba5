/** Updates that the client sends over its open WebSocket, on a real API. */
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import type { FieldClientOptions } from '../../client/options.ts';
import type { FieldClient } from '../../client/types.ts';
import type { ClientMessage, ServerMessage } from '../../shared/contract/messages.ts';
import { withApi } from '../api/support/with-app.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitUntil } from '../support/wait-until.ts';
import { readWholeLog } from './read-log.ts';
import { waitForStatus, waitUntilSynced, withClient } from './with-client.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);

interface WatchedSocket {
  readonly updateCounts: number[];
  /** What happens to an answer to updates: it is passed on, or lost, or the connection breaks instead. */
  fate: 'passed' | 'lost' | 'broken';
}

/** A live client that has loaded its field. */
async function withLiveClient(t: Test, options: Omit<FieldClientOptions, 'url'>): Promise<FieldClient> {
  const writer = await api.createToken({ device: 'first-writer' });
  const updates = [{ counter: 1, timestamp: 1, kind: 'event', type: 'harmony' }];
  const path = `/api/fields/${options.field}/updates`;
  await api.request(path, { token: writer, body: { updates }, headers: { prefer: 'wait=10' } });
  const client = await withClient(t, { url: api.address, ...options });
  await waitForStatus(client, 'live');
  await waitUntil('the state has arrived', () => client.state.version > 0);
  return client;
}

/** A client's network that counts what it sends over sockets and by POST. */
function watchNetwork() {
  const posts: string[] = [];
  const socket: WatchedSocket = { updateCounts: [], fate: 'passed' };
  const request: typeof fetch = (url, init) => {
    if (init?.method === 'POST' && `${url}`.endsWith('/updates')) posts.push(String(init.body));
    return fetch(url, init);
  };
  class Watched extends WebSocket {
    override send(data: string) {
      const message = JSON.parse(data) as ClientMessage;
      if (message.type === 'update') socket.updateCounts.push(message.updates.length);
      super.send(data);
    }
    override emit(event: string, ...args: unknown[]): boolean {
      if (event !== 'message' || socket.fate === 'passed') return super.emit(event, ...args);
      const message = JSON.parse(String(args[0])) as ServerMessage;
      if (message.type !== 'accepted') return super.emit(event, ...args);
      if (socket.fate === 'broken') this.terminate();
      return true;
    }
  }
  const options: Pick<FieldClientOptions, 'fetch' | 'WebSocket' | 'random'> = {
    fetch: request,
    WebSocket: Watched,
    random: () => 0,
  };
  return { posts, socket, options };
}

function cell(x: number, y = 0) {
  return [{ x, y, value: 0.5 }];
}

t.test('updates go over the open WebSocket, and none by POST', async (t) => {
  const { posts, socket, options } = watchNetwork();
  const client = await withLiveClient(t, { field: 'by-socket', ...options });
  for (let x = 0; x < 20; x += 1) {
    t.equal((await client.settled(client.setCells(cell(x)))).status, 'applied');
  }
  t.equal((await readWholeLog(client)).length, 21);
  t.same(posts, []);
  t.same(socket.updateCounts, Array(20).fill(1));
});

t.test('edits in quick succession are sent together, so that the socket is never closed as a flood', async (t) => {
  const { posts, socket, options } = watchNetwork();
  const client = await withLiveClient(t, { field: 'burst', ...options });
  const statuses: string[] = [];
  client.on('status', (status) => statuses.push(status));
  for (let edit = 0; edit < 400; edit += 1) {
    client.setCells(cell(edit % 30, edit % 7));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await waitUntilSynced(client);
  t.same(statuses, []);
  t.equal(socket.updateCounts.length > 0, true);
  t.equal(
    socket.updateCounts.reduce((a, b) => a + b, 0) + posts.flatMap((body) => JSON.parse(body).updates).length,
    400,
  );
});

t.test('an update whose answer is lost with the socket is sent by POST, and applied once', async (t) => {
  const { posts, socket, options } = watchNetwork();
  const client = await withLiveClient(t, { field: 'broken', ...options });
  socket.fate = 'broken';
  const entry = client.setCells(cell(1));
  await waitUntil('the updates were sent over the socket', () => socket.updateCounts.length === 1);
  t.match(await client.settled(entry), { counter: 1, status: 'applied' });
  socket.fate = 'passed';
  t.ok(posts.length >= 1);
  await client.settled(client.setCells(cell(2)));
  await waitUntilSynced(client);
  const log = await readWholeLog(client);
  t.same(
    log.slice(1).map(({ update }) => update.counter),
    [1, 2],
  );
});

t.test('an update whose answer is lost on an open socket is sent by POST after 10 s, and applied once', async (t) => {
  const { posts, socket, options } = watchNetwork();
  const client = await withLiveClient(t, { field: 'lost-answer', ...options });
  socket.fate = 'lost';
  t.match(await client.settled(client.setCells(cell(1))), { counter: 1, status: 'applied' });
  t.same(socket.updateCounts, [1]);
  t.ok(posts.length >= 1);
  t.equal((await readWholeLog(client)).length, 2);
});

t.test('the server names a refused update by its path on the socket as in a response', async (t) => {
  const { posts, options } = watchNetwork();
  const client = await withLiveClient(t, { field: 'named', ...options });
  // Only the server knows the size of the grid.
  const entries = [cell(1), cell(2, 30), cell(3)].map((cells) => client.setCells(cells));
  const settled = await Promise.all(entries.map((entry) => client.settled(entry)));
  t.match(settled, [{ status: 'applied' }, { status: 'refused', reason: /^\/cells\/0\/y / }, { status: 'applied' }]);
  t.equal(posts.length, 1, 'the rest goes by POST');
  t.same(
    JSON.parse(posts[0] ?? '').updates.map(({ counter }: { counter: number }) => counter),
    [1, 3],
  );
});

t.test('a token that may not write leaves the stream open, and is refused by POST', async (t) => {
  const { posts, socket, options } = watchNetwork();
  const token = await api.createToken({ device: 'reader', scope: ['field:read'] });
  const client = await withLiveClient(t, { field: 'by-socket', token, ...options, random: () => 0.5 });
  const problems: string[] = [];
  client.on('problem', ({ code }) => problems.push(code));
  client.setCells(cell(1));
  await waitUntil('it was sent by POST twice', () => posts.length >= 2 && problems.length >= 2);
  t.same([...new Set(problems)], ['forbidden']);
  t.same(socket.updateCounts, [1]);
  t.equal(client.status, 'live');
});

t.test('another token than that of the socket is used by POST, and on the socket once it is renewed', async (t) => {
  const { posts, socket, options } = watchNetwork();
  const tokens = await Promise.all([3, 600].map((expiresInSeconds) => api.createToken({ expiresInSeconds })));
  const getToken = async () => tokens.shift() ?? '';
  const client = await withLiveClient(t, { field: 'renewed', getToken, ...options });
  await waitUntil('the token was renewed', () => tokens.length === 0);
  await client.settled(client.setCells(cell(1)));
  t.same([socket.updateCounts, posts.length], [[1], 0]);
});
