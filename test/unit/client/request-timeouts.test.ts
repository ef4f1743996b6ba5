/** How long a request with updates may be without a response, and what ends it earlier. */
import t, { type Test } from 'tap';
import { accepted, type FakeResponse, passSeconds, untilTrue, withFakeServer } from './support/fake-server.ts';
import { cursorAt } from './support/load-outbox.ts';

/** A connected client that makes one edit, and whose requests with updates are answered as `respond` says. */
async function withEditingClient(t: Test, respond: (attempt: number) => FakeResponse | undefined) {
  let attempts = 0;
  const server = withFakeServer(t, ({ path }) => respond(path === '/updates' ? attempts++ : 0), { random: () => 0 });
  await server.connect();
  server.receiveSnapshot(cursorAt(0), 'start');
  server.client.emit('harmony');
  const untilSent = (count: number) => untilTrue(`${count} are sent`, () => server.sent().length === count);
  return { ...server, untilSent };
}

function refuseConnection(): never {
  throw new TypeError('the connection was refused');
}

t.test('refused connections do not make later requests wait longer', async (t) => {
  const { client, sent, untilSent } = await withEditingClient(t, (attempt) => {
    if (attempt < 8) refuseConnection();
    return attempt === 8 ? undefined : accepted;
  });
  for (let attempt = 1; attempt < 9; attempt += 1) {
    await untilSent(attempt);
    await passSeconds(1);
  }
  await untilSent(9);
  await passSeconds(11);
  await untilTrue('it is accepted', () => client.outbox[0]?.status === 'accepted');
  t.equal(sent().length, 10);
});

t.test('requests without a response may take longer each time, until the client is woken', async (t) => {
  const { client, sent, untilSent } = await withEditingClient(t, (attempt) => (attempt < 3 ? undefined : accepted));
  await untilSent(1);
  for (const [index, seconds] of [10, 20].entries()) {
    await passSeconds(seconds - 1);
    t.equal(sent().length, index + 1, `attempt ${index + 1} may take ${seconds} s`);
    // The limit, and the pause after it.
    await passSeconds(2);
    await untilSent(index + 2);
  }
  await passSeconds(8);
  client.wake();
  await passSeconds(1);
  t.equal(sent().length, 3, 'one that is not overdue goes on');
  await passSeconds(14); // Without a stream, ten of the seconds are for the results.
  t.equal(sent().length, 3, 'attempt 3 may take longer');
  client.wake();
  await passSeconds(2);
  await untilTrue('it is accepted', () => client.outbox[0]?.status === 'accepted');
  t.equal(sent().length, 4);
});
