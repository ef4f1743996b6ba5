/** A client without a storage: what it keeps in memory, and what it cannot do. */
import t from 'tap';
import { accepted, passSeconds, untilTrue, withFakeServer } from './support/fake-server.ts';
import { cursorAt, resultOf } from './support/load-outbox.ts';

const cells = [{ x: 1, y: 1, value: 0.5 }];
const signFor = (device: string) => `.${btoa(JSON.stringify({ device }))}.`;
const withoutStorage = { storage: undefined as never };

t.test('what may have been sent as another device is refused, and the rest is sent as the present one', async (t) => {
  let device = 'one';
  const { client, connect, sent } = withFakeServer(t, () => (device === 'one' ? undefined : accepted), {
    ...withoutStorage,
    token: undefined as never,
    getToken: () => signFor(device),
  });
  client.setCells(cells);
  await connect();
  await untilTrue('it was sent', () => sent().length === 1);
  client.setCells(cells);
  device = 'two';
  client.renewToken();
  await passSeconds(30);
  await untilTrue('the other one is accepted', () => client.outbox[1]?.status === 'accepted');
  t.match(client.outbox, [{ status: 'refused', reason: 'sent as another device' }, { status: 'accepted' }]);
  t.equal(client.deviceId, 'two');
});

t.test('applied updates are kept for ten minutes, and sent again if the server has lost them', async (t) => {
  for (const [minutes, isKept] of [
    [9, true],
    [11, false],
  ] as const) {
    const server = withFakeServer(t, () => accepted, withoutStorage);
    await server.connect();
    server.client.setCells(cells);
    await untilTrue('it is accepted', () => server.client.outbox[0]?.status === 'accepted');
    server.receiveDelta(cursorAt(0), cursorAt(1), [resultOf(1, 1)]);
    t.same(server.client.outbox, []);
    for (let minute = 0; minute < minutes; minute += 1) {
      for (let part = 0; part < 20; part += 1) {
        await passSeconds(3);
        server.receive({ type: 'pong', serverTime: 0 });
      }
    }
    server.receiveSnapshot(cursorAt(0, 'b'), 'unknown-cursor');
    t.equal(server.client.pending, isKept ? 1 : 0, `after ${minutes} minutes`);
    await server.client.close();
  }
});
