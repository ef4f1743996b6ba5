/** Updates that are sent over the open WebSocket, and what becomes of them when its answer is missing or a refusal. */
import t, { type Test } from 'tap';
import type { ServerMessage } from '../../../shared/contract/messages.ts';
import {
  type AnswerUpdates,
  accepted,
  passSeconds,
  refusal,
  untilTrue,
  withFakeServer,
} from './support/fake-server.ts';
import { cursorAt, resultOf } from './support/load-outbox.ts';

const answerAccepted = (counters: readonly number[]): ServerMessage => ({
  type: 'accepted',
  counters,
  serverTime: 1_700_000_000_000,
  durability: 'fsync',
});

/** A connected client, and a way to change a cell, which makes an update. */
async function withLiveClient(t: Test, answer: AnswerUpdates) {
  const server = withFakeServer(t, () => accepted, { random: () => 0 }, answer);
  const problems: string[] = [];
  server.client.on('problem', ({ code }) => problems.push(code));
  await server.connect();
  server.receiveSnapshot(cursorAt(0), 'start');
  const { client } = server;
  const edit = (x: number, count = 1) =>
    client.setCells(Array.from({ length: count }, (_, index) => ({ x, y: index % 900, value: 0.123456789 })));
  const statuses = () => client.outbox.map(({ counter, status }) => [counter, status]);
  return { ...server, problems, edit, statuses };
}

t.test('while a WebSocket is open, updates are sent over it and not by POST', async (t) => {
  const { edit, statuses, messages, sent, client } = await withLiveClient(t, answerAccepted);
  edit(1);
  await untilTrue('it is accepted', () => client.outbox[0]?.status === 'accepted');
  edit(2);
  edit(3);
  await passSeconds(1);
  await untilTrue('all are accepted', () => client.outbox.every(({ status }) => status === 'accepted'));
  t.same(messages, [[1], [2, 3]]);
  t.same(sent(), []);
  t.same(statuses(), [
    [1, 'accepted'],
    [2, 'accepted'],
    [3, 'accepted'],
  ]);
});

t.test('while the state is being loaded, updates go by POST', async (t) => {
  const { client, connect, messages, sent } = withFakeServer(t, () => accepted, {}, answerAccepted);
  await connect();
  client.emit('harmony');
  await untilTrue('it is accepted', () => client.outbox[0]?.status === 'accepted');
  t.same([messages, sent()], [[], [[1]]]);
});

t.test('what takes a slow uplink seconds is sent by POST, which can be aborted', async (t) => {
  const { edit, messages, sent } = await withLiveClient(t, answerAccepted);
  edit(1, 900);
  await untilTrue('it is sent', () => sent().length === 1);
  t.same(messages, []);
});

t.test('without an answer, updates go by POST after 10 s, and a late answer does not settle others', async (t) => {
  const { edit, statuses, messages, sent, receive } = await withLiveClient(t, () => undefined);
  edit(1);
  await untilTrue('it is sent', () => messages.length === 1);
  await passSeconds(9);
  t.same(sent(), []);
  await passSeconds(1);
  await untilTrue('it is sent by POST', () => sent().length === 1);
  edit(2);
  await untilTrue('the next one as well', () => sent().length === 2);
  t.same(messages, [[1]]);
  receive(answerAccepted([1]));
  edit(3);
  await untilTrue('the socket is used again', () => messages.length === 2);
  t.same(messages, [[1], [3]]);
  t.same(statuses(), [
    [1, 'accepted'],
    [2, 'accepted'],
    [3, 'queued'],
  ]);
});

t.test('when the socket ends before the answer, updates are sent by POST at once', async (t) => {
  const { edit, messages, sent, sockets } = await withLiveClient(t, () => undefined);
  edit(1);
  await untilTrue('it is sent', () => messages.length === 1);
  sockets.at(-1)?.emit('close');
  await untilTrue('it is sent by POST', () => sent().length === 1);
  t.same(sent(), [[1]]);
});

t.test('an error that answers another message settles nothing', async (t) => {
  const { edit, messages, sent, receive, problems, statuses } = await withLiveClient(t, () => undefined);
  edit(1);
  await untilTrue('it is sent', () => messages.length === 1);
  receive(refusal(400, 1, { code: 'invalid_input' }));
  receive(refusal(429, undefined, { code: 'rate_limited' }));
  receive(answerAccepted([1]));
  await untilTrue('it is accepted', () => statuses()[0]?.[1] === 'accepted');
  t.same(problems, ['invalid_input', 'rate_limited']);
  t.same(sent(), []);
});

t.test('a rate limit is waited for, and the socket is used again', async (t) => {
  const limit = { code: 'rate_limited', retryAfter: 7 } as const;
  const answers = [(_: unknown, messageNumber: number) => refusal(429, messageNumber, limit), answerAccepted];
  const { edit, messages, sent, problems, client } = await withLiveClient(t, (counters, messageNumber) =>
    answers.shift()?.(counters, messageNumber),
  );
  edit(1);
  await untilTrue('it is refused', () => problems.length === 1);
  await passSeconds(6);
  t.same(messages, [[1]]);
  await passSeconds(2);
  await untilTrue('it is accepted', () => client.outbox[0]?.status === 'accepted');
  t.same(messages, [[1], [1]]);
  t.same(sent(), []);
  t.same(problems, ['rate_limited']);
});

t.test('an update that is refused by its path is set aside, and the rest goes by POST', async (t) => {
  const errors = [{ path: '/updates/1/cells/0/x', message: 'is too large' }];
  const { client, edit, messages, sent, problems } = await withLiveClient(t, (_, messageNumber) =>
    refusal(400, messageNumber, { code: 'invalid_input', errors }),
  );
  for (const x of [1, 2, 3]) edit(x);
  await untilTrue('the rest is accepted', () => sent().length === 1);
  t.same(messages, [[1, 2, 3]]);
  t.same(sent(), [[1, 3]]);
  t.match(client.outbox, [{ counter: 1 }, { status: 'refused', reason: '/cells/0/x is too large' }, { counter: 3 }]);
  t.same(problems, []);
});

t.test('a delta that arrives before the answer settles its update once it is answered', async (t) => {
  const { client, edit, messages, receive, receiveDelta } = await withLiveClient(t, () => undefined);
  edit(1);
  await untilTrue('it is sent', () => messages.length === 1);
  receiveDelta(cursorAt(0), cursorAt(1), [resultOf(1, 1)]);
  t.equal(client.pending, 1);
  receive(answerAccepted([1]));
  await untilTrue('it is settled', () => client.pending === 0);
});
