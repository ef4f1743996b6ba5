/** A whole client on a storage, or with a `getToken`, that fails. */
import t from 'tap';
import { createFieldClient } from '../../../../client/field-client.ts';
import type { ClientProblem } from '../../../../client/types.ts';
import {
  accepted,
  appliedResponse,
  type FakeRequest,
  type FakeResponse,
  inLog,
  passSeconds,
  stateAt,
  untilTrue,
  withFakeServer,
} from '../support/fake-server.ts';
import { createFaultyStorage, type FaultyStorage } from '../support/faulty-storage.ts';
import { cursorAt, resultOf } from '../support/load-outbox.ts';

const cells = [{ x: 1, y: 1, value: 0.5 }];
const prefix = 'consciousness-field/f';

/** Applies everything at once. */
function applyAll({ counters }: FakeRequest): FakeResponse {
  const last = counters.at(-1) ?? 0;
  return counters.length === 0
    ? inLog
    : appliedResponse(
        counters.map((each) => resultOf(each, each)),
        cursorAt(last),
      );
}

function hasKey({ values }: FaultyStorage, pattern: RegExp): boolean {
  return [...values.keys()].some((key) => pattern.test(key));
}

function collectProblems(client: ReturnType<typeof withFakeServer>['client']) {
  const problems: ClientProblem[] = [];
  client.on('problem', (problem) => problems.push(problem));
  return { problems, codes: () => problems.map(({ code }) => code) };
}

t.test('a storage that never answers a write delays edits by seconds, and close() resolves', async (t) => {
  const storage = createFaultyStorage();
  const { client, sent } = withFakeServer(t, applyAll, { storage, transports: ['polling'] });
  const { codes } = collectProblems(client);
  await client.start();
  storage.hang(/^(set|remove)/);
  client.setCells(cells);
  await passSeconds(15);
  await untilTrue('the edit is sent', () => sent().length === 1);
  await untilTrue('it is applied', () => client.pending === 0);
  t.same(codes(), ['storage', 'state_not_stored']);
  client.setCells(cells);
  await passSeconds(5);
  await untilTrue('the next edit is sent sooner', () => sent().length === 2);
  const closed = client.close();
  await passSeconds(15);
  await closed;
  t.equal(client.status, 'closed');
});

t.test('a storage that never answers a read delays the start, and nothing that it holds is lost', async (t) => {
  const before = createFaultyStorage();
  const earlier = withFakeServer(t, () => undefined, { storage: before, transports: ['polling'] });
  await earlier.client.start();
  earlier.client.setCells(cells);
  await untilTrue('the edit is stored', () => hasKey(before, /\/outbox\/1$/));

  const storage = createFaultyStorage(before.values);
  storage.hang(/^get/);
  const { client, sent } = withFakeServer(t, applyAll, { storage, transports: ['polling'] });
  const { codes } = collectProblems(client);
  const started = client.start();
  client.setCells([{ x: 2, y: 2, value: 1 }]);
  await passSeconds(15);
  await started;
  await untilTrue('the new edit is applied', () => client.pending === 0);
  t.equal(sent().length, 1);
  t.ok(codes().includes('storage_unreadable'));
  storage.release();
  await client.close();
  for (const [key, text] of before.values) {
    if (key.includes('outbox'))
      t.equal(storage.values.get(key), text, 'nothing was written over what could not be read');
  }

  const next = withFakeServer(t, applyAll, { storage, transports: ['polling'] });
  await next.client.start();
  t.equal(next.client.pending, 1);
});

t.test('getToken that never answers is reported and called again', async (t) => {
  let calls = 0;
  const getToken = () => {
    calls += 1;
    return calls === 1 ? new Promise<string>(() => undefined) : `.${btoa(JSON.stringify({ device: 'd' }))}.`;
  };
  const options = { getToken, token: undefined as never, transports: ['polling' as const] };
  const { client, sent } = withFakeServer(t, applyAll, options);
  const { codes } = collectProblems(client);
  await client.start();
  client.setCells(cells);
  await passSeconds(29);
  t.same([calls, codes()], [1, []]);
  await passSeconds(5);
  await untilTrue('the edit is sent with the next token', () => sent().length === 1);
  t.ok(codes().includes('token_timeout'));
  const closed = client.close();
  await passSeconds(2);
  await closed;
});

t.test('a state that cannot be read does not keep a client from starting', async (t) => {
  const storage = createFaultyStorage();
  const first = withFakeServer(t, () => accepted, { storage });
  await first.connect();
  first.receiveSnapshot(cursorAt(5), 'start');
  first.client.setCells(cells);
  await first.client.close();
  t.ok(hasKey(storage, /\/state/));

  storage.unreadable = /state/;
  const next = withFakeServer(t, applyAll, { storage, transports: ['polling'] });
  const { problems } = collectProblems(next.client);
  await next.client.start();
  t.match(problems, [{ code: 'storage_damaged', message: /state\/0/ }]);
  t.equal(next.client.pending, 1, 'the outbox is there');
  t.notOk(hasKey(storage, /\/state/));
});

t.test('the outbox comes first: the state gives way to it when the storage is full', async (t) => {
  const storage = createFaultyStorage();
  const server = withFakeServer(t, () => undefined, { storage });
  const { client } = server;
  const { codes } = collectProblems(client);
  await server.connect();
  const cursor = cursorAt(5);
  const state = {
    ...stateAt(cursor),
    cells: Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`${i},0`, 0.5])),
  };
  server.receive({ type: 'snapshot', cursor, reason: 'start', state });
  await passSeconds(6);
  await untilTrue('the state is stored', () => hasKey(storage, /\/state/));
  const used = [...storage.values].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  storage.quota = used + 300;
  for (let x = 0; x < 20; x += 1) client.setCells([{ x, y: 0, value: 1 }]);
  const stored = () => [...storage.values.keys()].filter((key) => /outbox\/\d+$/.test(key)).length;
  await untilTrue('all edits are stored', () => stored() === 20);
  t.notOk(hasKey(storage, /\/state/));
  t.same(codes(), []);
  await client.close();
  const next = withFakeServer(t, () => undefined, { storage });
  await next.client.start();
  t.equal(next.client.pending, 20);
});

t.test('torn and foreign values keep no client from starting, and good edits are sent', async (t) => {
  const good = JSON.stringify({
    update: { kind: 'cells.set', cells, counter: 2, timestamp: 1, seen: 0 },
    wall: 1,
    above: 0,
  });
  const invalid = good.replace('"cells.set"', '"nonsense"').replace('"counter":2', '"counter":1');
  for (const text of ['', '{}', '[]', '"text"', 'null', '{"counter":', '7', invalid]) {
    const keys = ['outbox', 'outbox-copy', 'outbox/1', 'applied', 'applied/1', 'state/0'].map(
      (key) => `${prefix}/${key}`,
    );
    const values = [...keys, 'consciousness-field/token', 'consciousness-field/account'].map(
      (key) => [key, text] as const,
    );
    const storage = createFaultyStorage([...values, [`${prefix}/outbox/2`, good]]);
    const { client, sent } = withFakeServer(t, applyAll, { storage, transports: ['polling'] });
    await client.start();
    await untilTrue('the good edit is sent', () => sent().length === 1);
    t.same(sent(), [[2]], text);
    t.ok(client.state);
    await untilTrue('it is applied', () => client.pending === 0);
    await client.close();
  }
});

t.test('a client is not started again after another one has used its storage', async (t) => {
  const storage = createFaultyStorage();
  const offline = { url: 'http://127.0.0.1:9', field: 'f', storage, transports: ['polling'] as const };
  const [first, second] = [createFieldClient(offline), createFieldClient(offline)];
  t.teardown(() => Promise.all([first.close(), second.close()]));
  await first.start();
  await first.close();
  await first.start();
  await first.close();
  await second.start();
  second.setCells([{ x: 1, y: 1, value: 0.5 }]);
  await second.close();
  await t.rejects(first.start(), /has used this storage since/);
  const third = createFieldClient(offline);
  t.teardown(() => third.close());
  await third.start();
  t.equal(third.pending, 1);
});
