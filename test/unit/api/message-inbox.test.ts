/** Messages of sockets wait in order, take one turn of the event loop each, and are bounded per user. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { MessageInbox } from '../../../api/streaming/transports/message-inbox.ts';
import { TurnBudget } from '../../../api/streaming/transports/turn-budget.ts';
import { UnhandledBytes } from '../../../api/streaming/transports/unhandled-bytes.ts';

function createSocket() {
  return {
    isPaused: false,
    pause() {
      this.isPaused = true;
    },
    resume() {
      this.isPaused = false;
    },
  };
}

/** An inbox whose messages take as many ms as their text says. */
function createInbox({ turns = new TurnBudget(), unhandled = new UnhandledBytes() } = {}) {
  const handled: { text: string; turn: number }[] = [];
  const socket = createSocket();
  const handle = async (data: Buffer) => {
    handled.push({ text: data.toString().slice(0, 10), turn });
    const end = performance.now() + Number(data.toString().slice(0, 2));
    while (performance.now() < end);
  };
  return { handled, socket, inbox: new MessageInbox({ socket, user: 'ada', turns, unhandled, handle }) };
}

let turn = 0;
let isCounting = true;
const countTurns = () => {
  turn += 1;
  if (isCounting) setImmediate(countTurns);
};
setImmediate(countTurns);
t.teardown(() => {
  isCounting = false;
});

async function untilHandled(handled: readonly unknown[], count: number): Promise<void> {
  while (handled.length < count) await nextTurn();
}

t.test('a message is handled in the turn in which it arrives, and a further one in a later turn', async (t) => {
  const { inbox, handled } = createInbox();
  const arrivedIn = turn;
  for (const text of ['00 a', '00 b', '00 c']) inbox.push(Buffer.from(text), 1);
  await Promise.resolve();
  await Promise.resolve();
  t.same(handled, [{ text: '00 a', turn: arrivedIn }]);
  await untilHandled(handled, 3);
  t.same(
    handled.map(({ text }) => text),
    ['00 a', '00 b', '00 c'],
  );
  t.equal(new Set(handled.map(({ turn }) => turn)).size, 3);
});

t.test('the messages of many sockets share the time of a turn', async (t) => {
  const turns = new TurnBudget();
  const inboxes = Array.from({ length: 12 }, () => createInbox({ turns }));
  for (const { inbox } of inboxes) inbox.push(Buffer.from('03'), 1);
  for (const { handled } of inboxes) await untilHandled(handled, 1);
  const perTurn = new Map<number, number>();
  for (const { handled } of inboxes) {
    for (const each of handled) perTurn.set(each.turn, (perTurn.get(each.turn) ?? 0) + 1);
  }
  t.ok(Math.max(...perTurn.values()) <= 2, `${Math.max(...perTurn.values())} of 12 in one turn`);
});

t.test('messages that wait for a later turn are handled in the order of their arrival', async (t) => {
  const turns = new TurnBudget();
  const order: number[] = [];
  const works = Array.from({ length: 40 }, (_, index) =>
    turns.run(async () => {
      order.push(index);
      const end = performance.now() + 1;
      while (performance.now() < end);
    }),
  );
  await nextTurn();
  works.push(turns.run(async () => void order.push(40)));
  await Promise.all(works);
  t.same(
    order,
    Array.from({ length: 41 }, (_, index) => index),
  );
});

t.test('an inbox says how long a message has waited', async (t) => {
  const { now } = performance;
  let laterMs = 0;
  performance.now = () => now.call(performance) + laterMs;
  t.teardown(() => {
    performance.now = now;
  });
  const waits: number[] = [];
  const handle = async (_data: Buffer, _messageNumber: number, waitedMs: number) => {
    waits.push(waitedMs);
    laterMs += 7000;
  };
  const [turns, unhandled] = [new TurnBudget(), new UnhandledBytes()];
  const inbox = new MessageInbox({ socket: createSocket(), user: 'ada', turns, unhandled, handle });
  for (const text of ['a', 'b']) inbox.push(Buffer.from(text), 1);
  await untilHandled(waits, 2);
  t.ok((waits[0] ?? 0) < 7000 && (waits[1] ?? 0) >= 7000, String(waits));
});

t.test('reading is paused above a megabyte, and resumed when the messages are handled', async (t) => {
  const { inbox, socket, handled } = createInbox();
  t.ok(inbox.push(Buffer.alloc(600_000, '0'), 1));
  t.notOk(socket.isPaused);
  t.ok(inbox.push(Buffer.alloc(600_000, '0'), 1));
  t.ok(socket.isPaused);
  await untilHandled(handled, 2);
  await nextTurn();
  t.notOk(socket.isPaused);
});

t.test('the messages of a user are bounded over all sockets', async (t) => {
  const unhandled = new UnhandledBytes();
  const inboxes = Array.from({ length: 20 }, () => createInbox({ unhandled }));
  const accepted = inboxes.filter(({ inbox }) => inbox.push(Buffer.alloc(900_000, '0'), 1));
  t.equal(accepted.length, 9);
  for (const { handled } of accepted) await untilHandled(handled, 1);
  await nextTurn();
  t.ok(unhandled.tryAdd('ada', 8 * 1024 * 1024), 'all are released');
});
