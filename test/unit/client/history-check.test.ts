/** When a client asks whether the log still has what it holds, and what it does with the answer. */
import t, { type Test } from 'tap';
import { RequestError } from '../../../client/connection/http.ts';
import type { Item } from '../../../client/outbox/outbox-item.ts';
import { HistoryCheck } from '../../../client/storage/persistence/history-check.ts';
import {
  accepted,
  appliedResponse,
  type FakeRequest,
  type FakeResponse,
  inLog,
  passSeconds,
  stateAt,
  unknownCursor,
  untilTrue,
  withFakeServer,
} from './support/fake-server.ts';
import { cursorAt, resultOf } from './support/load-outbox.ts';

const cells = [{ x: 1, y: 1, value: 0.5 }];

/** @param lookUp responds to the question whether the log has the cursor in the path */
type LookUp = (request: FakeRequest) => FakeResponse;

/** A connected client whose only update was applied at version 1. */
async function withApplied(t: Test, lookUp: LookUp) {
  const server = withFakeServer(t, (request) => (request.counters.length > 0 ? accepted : lookUp(request)));
  await server.connect();
  server.client.setCells(cells);
  await untilTrue('it is accepted', () => server.client.outbox[0]?.status === 'accepted');
  server.receiveDelta(cursorAt(0), cursorAt(1), [resultOf(1, 1)]);
  t.same(server.client.outbox, []);
  return server;
}

/** A connected client with an accepted update of an earlier process, which only a response settles. */
async function withStored(t: Test, lookUp: LookUp) {
  let response = accepted;
  const server = withFakeServer(t, (request) => (request.counters.length > 0 ? response : lookUp(request)));
  const update = { kind: 'cells.set', cells, counter: 1, timestamp: 1, seen: 0 };
  const entry = JSON.stringify({ place: 1, update, wall: 1, above: 0 });
  await server.storage.set('http://127.0.0.1/f/outbox/1', entry);
  await server.connect();
  await untilTrue('it is accepted', () => server.client.outbox[0]?.status === 'accepted');
  const respondWith = (next: FakeResponse) => {
    response = next;
  };
  return { ...server, respondWith };
}

t.test('after a snapshot that fills a gap, updates are sent again if the log lacks the cursor before it', async (t) => {
  const { client, receiveSnapshot, lookups, sent } = await withApplied(t, () => unknownCursor);
  receiveSnapshot(cursorAt(9), 'gap');
  await untilTrue('it is sent again', () => sent().length === 2);
  t.same(lookups(), [cursorAt(1)]);
  t.same(sent(), [[1], [1]]);
  t.match(client.outbox, [{ counter: 1, status: 'accepted' }]);
  t.equal(client.state.cells['1,1'], 0.5, 'it is shown');
});

t.test('after a snapshot that fills a gap, nothing is sent again if the log has the cursor before it', async (t) => {
  const { client, receiveSnapshot, lookups, sent } = await withApplied(t, () => inLog);
  receiveSnapshot(cursorAt(9), 'gap');
  await untilTrue('the log was asked', () => lookups().length === 2);
  await passSeconds(30);
  t.same(lookups(), [cursorAt(1), cursorAt(9)]);
  t.same(sent(), [[1]]);
  t.same(client.outbox, []);
});

t.test('the state is not stored before the log has been asked whether it continues the one before', async (t) => {
  for (const isReadable of [false, true]) {
    const server = await withApplied(t, () => (isReadable ? inLog : [503, { code: 'reads_unavailable', status: 503 }]));
    server.receiveSnapshot(cursorAt(9), 'gap');
    await passSeconds(9);
    await server.client.close();
    const stored = (await server.storage.get('consciousness-field/f/state/0')) ?? '';
    t.equal(stored.includes(cursorAt(9)), isReadable, 'a restart would not know that there is a question');
  }
});

t.test('a check that fails is repeated, and delays no update', async (t) => {
  let isReadable = false;
  const { client, receiveSnapshot, lookups, sent } = await withApplied(t, () =>
    isReadable ? unknownCursor : [503, { code: 'reads_unavailable', status: 503 }],
  );
  receiveSnapshot(cursorAt(9), 'gap');
  await untilTrue('the log was asked', () => lookups().length === 1);
  client.setCells(cells);
  await untilTrue('the new update is sent', () => sent().length === 2);
  isReadable = true;
  await passSeconds(11);
  await untilTrue('the lost update is sent', () => sent().some(([first]) => first === 1) && sent().length >= 3);
  t.equal(client.pending, 2);
});

t.test('an update whose result the stream never reaches is sent again when the log lacks its cursor', async (t) => {
  const server = await withStored(t, () => unknownCursor);
  server.respondWith(appliedResponse([resultOf(1, 2)], cursorAt(2)));
  server.receiveSnapshot(cursorAt(1), 'start');
  await untilTrue('it is applied', () => server.client.outbox[0]?.status === 'applied');
  server.respondWith(accepted);
  const sentBefore = server.sent().length;
  await passSeconds(9);
  t.same(server.lookups(), [], 'the stream has time to reach it');
  await passSeconds(2);
  await untilTrue('it is sent again', () => server.sent().length > sentBefore);
  t.same(server.lookups(), [cursorAt(2)]);
  t.match(server.client.outbox, [{ counter: 1, status: 'accepted' }]);
  t.equal(server.client.state.cells['1,1'], 0.5);
});

t.test('an update that was applied before the version of the state stays until the log confirms both', async (t) => {
  const server = await withStored(t, () => inLog);
  server.receiveSnapshot(cursorAt(9), 'gap');
  server.respondWith(appliedResponse([resultOf(1, 3, 'duplicate')], cursorAt(12)));
  await untilTrue('it is contained', () => server.client.outbox.length === 0);
  t.same(server.lookups(), [cursorAt(3), cursorAt(9)]);
});

t.test('an update is contained without a check if the state has passed a cursor of the response', async (t) => {
  const server = await withStored(t, () => inLog);
  server.receiveSnapshot(cursorAt(9), 'gap');
  server.receiveDelta(cursorAt(9), cursorAt(10));
  server.respondWith(appliedResponse([resultOf(1, 3, 'duplicate')], cursorAt(9)));
  await untilTrue('it is contained', () => server.client.outbox.length === 0);
  t.same(server.lookups(), []);
});

t.test(
  'an update of the present history is shown on a state of another one until the server replaces it',
  async (t) => {
    const server = await withStored(t, ({ path }) => (path.includes(cursorAt(9)) ? unknownCursor : inLog));
    server.receiveSnapshot(cursorAt(9), 'gap');
    server.respondWith(appliedResponse([resultOf(1, 3, 'applied', 'b')], cursorAt(3, 'b')));
    await untilTrue('the log was asked', () => server.lookups().length === 2);
    await passSeconds(9);
    t.equal(server.client.state.cells['1,1'], 0.5);
    t.equal(server.lookups().length, 2, 'it is not asked all the time');
    server.receiveSnapshot(cursorAt(4, 'b'), 'unknown-cursor');
    t.equal(server.client.state.cells['1,1'], 0.5);
    server.respondWith(appliedResponse([resultOf(1, 3, 'duplicate', 'b')], cursorAt(4, 'b')));
    await untilTrue('it is contained', () => server.client.outbox.length === 0);
  },
);

t.test('a server whose answers contradict each other does not make the client send without a pause', async (t) => {
  const server = await withStored(t, ({ path }) => (path.includes(cursorAt(3)) ? unknownCursor : inLog));
  server.receiveSnapshot(cursorAt(9), 'gap');
  server.respondWith(appliedResponse([resultOf(1, 3, 'duplicate')], cursorAt(20)));
  await passSeconds(15);
  t.ok(server.sent().length < 6, `${server.sent().length} requests`);
  t.ok(server.lookups().length < 6, `${server.lookups().length} requests`);
});

t.test('other results do not put off a check that waits since a loss', async (t) => {
  let isKnown = false;
  const server = await withStored(t, ({ path }) => (path.includes(cursorAt(3)) && !isKnown ? unknownCursor : inLog));
  server.receiveSnapshot(cursorAt(9), 'gap');
  server.respondWith(appliedResponse([resultOf(1, 3, 'duplicate')], cursorAt(20)));
  await untilTrue('it was sent again after a loss', () => server.sent().length === 3);
  await passSeconds(1);
  isKnown = true;
  for (let counter = 2; counter < 10; counter += 1) {
    server.respondWith(appliedResponse([resultOf(counter, 20 + counter)], cursorAt(20 + counter)));
    server.client.setCells(cells);
    await passSeconds(2);
  }
  const shown = server.client.outbox.map(({ counter }) => counter);
  t.notOk(shown.includes(1), `shown: ${shown.join()}`);
});

t.test('a delta that does not start at the state settles nothing', async (t) => {
  const server = withFakeServer(t, () => accepted);
  const { client } = server;
  await server.connect();
  server.receiveSnapshot(cursorAt(9), 'gap');
  client.setCells(cells);
  await untilTrue('it is accepted', () => client.outbox[0]?.status === 'accepted');
  server.receiveDelta(cursorAt(7, 'b'), cursorAt(8, 'b'), [resultOf(1, 8)]);
  t.match(client.outbox, [{ status: 'accepted' }]);
});

t.test('a client that polls asks the log only if it has something to send again', async (t) => {
  let cursor = cursorAt(5);
  const server = withFakeServer(
    t,
    ({ counters, path }) => {
      if (counters.length > 0) return appliedResponse([resultOf(1, 7)], cursorAt(7));
      return path === '' ? [200, stateAt(cursor)] : inLog;
    },
    { transports: ['polling'] },
  );
  const { client } = server;
  await client.start();
  await untilTrue('the first state has arrived', () => client.state.version === 5);
  cursor = cursorAt(6);
  client.wake();
  await untilTrue('the second state has arrived', () => client.state.version === 6);
  t.same(server.lookups(), []);
  client.setCells(cells);
  await untilTrue('it is applied', () => client.outbox[0]?.status === 'applied');
  cursor = cursorAt(8);
  client.wake();
  await untilTrue('the third state has arrived', () => client.state.version === 8);
  t.same(server.lookups().slice(-2), [cursorAt(6), cursorAt(7)]);
  t.same(client.outbox, []);
});

t.test('a result that arrives while a poll asks the log is asked about as well', async (t) => {
  const [own, late] = [cursorAt(1), cursorAt(7)];
  const shown: Item[] = [];
  const asked: string[] = [];
  const check = new HistoryCheck({
    sendRequest: async (path) => {
      asked.push(path);
      // The response of a server that was suspended while the log lost what it had applied.
      if (asked.length === 1) shown.push({ entry: { version: 7 }, proof: late } as Item);
      if (path.includes(late)) throw new RequestError('cursor_unknown', 'unknown', 410);
      return { status: 200, etag: null, body: {} };
    },
    store: { kept: [{} as Item] },
    outbox: { applied: { shown, confirm: () => undefined } },
    replica: { cursor: own, version: 1, hasPassed: () => false },
    onConfirmed: () => undefined,
    onLost: () => undefined,
    onProblem: () => undefined,
  });
  const { signal } = new AbortController();
  t.equal(await check.isBroken(cursorAt(9), { token: 'token', signal }), true);
  t.equal(asked.length, 2);
});
