/** How long a request with updates may be without a response, and what ends it earlier. */
import t, { type Test } from 'tap';
import { accepted, type FakeResponse, passSeconds, untilTrue, withFakeServer } from './support/fake-server.ts';
import { cursorAt } from './support/load-outbox.ts';

/** A connected client, and how the requests with its updates are answered. */
async function withSender(t: Test, respond: (attempt: number) => FakeResponse | undefined) {
  let attempts = 0;
  const server = withFakeServer(t, ({ path }) => respond(path === '/updates' ? attempts++ : 0), { random: () => 0 });
  await server.connect();
  server.receiveSnapshot(cursorAt(0), 'start');
  const untilSent = (count: number) => untilTrue(`${count} are sent`, () => server.sent().length === count);
  /** How many seconds pass until the next request. */
  const secondsUntilNext = async () => {
    const before = server.sent().length;
    let seconds = 0;
    for (; server.sent().length === before; seconds += 1) {
      // Messages keep the stream open.
      server.receive({ type: 'pong', serverTime: Date.now() });
      await passSeconds(1);
    }
    return seconds;
  };
  return { ...server, untilSent, secondsUntilNext };
}

function refuseConnection(): never {
  throw new TypeError('the connection was refused');
}

const cells = (count: number) => Array.from({ length: count }, (_, x) => ({ x, y: 0, value: 0.123456789 }));

t.test('refused connections do not make later requests wait longer', async (t) => {
  const { client, untilSent, secondsUntilNext } = await withSender(t, (attempt) => {
    if (attempt < 8) refuseConnection();
    return attempt === 8 ? undefined : accepted;
  });
  client.setCells(cells(900));
  for (let attempt = 1; attempt < 9; attempt += 1) {
    await untilSent(attempt);
    await passSeconds(1);
  }
  await untilSent(9);
  t.ok((await secondsUntilNext()) <= 11, 'it is sent again after 10 s');
  await untilTrue('it is accepted', () => client.outbox[0]?.status === 'accepted');
});

t.test('without responses, a long request may take longer each time', async (t) => {
  const { client, untilSent, secondsUntilNext } = await withSender(t, () => undefined);
  client.setCells(cells(900));
  await untilSent(1);
  const times: number[] = [];
  for (let attempt = 0; attempt < 4; attempt += 1) times.push(await secondsUntilNext());
  // A pause of up to a second follows each.
  t.same(
    times.map((seconds) => 10 * Math.floor(seconds / 10)),
    [10, 20, 40, 80],
  );
});

t.test('a short request that is lost blocks the others for seconds, however often it happens', async (t) => {
  const { client, untilSent, secondsUntilNext } = await withSender(t, () => undefined);
  client.emit('harmony');
  await untilSent(1);
  for (let attempt = 0; attempt < 8; attempt += 1) t.ok((await secondsUntilNext()) <= 13, `attempt ${attempt + 1}`);
});
