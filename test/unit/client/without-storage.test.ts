/** A client without a storage: what it keeps in memory, and what it cannot do. */
import t from 'tap';
import { accepted, appliedResponse, passSeconds, untilTrue, withFakeServer } from './support/fake-server.ts';
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

t.test('an applied update stays on the screen until the state contains it, and is not kept after that', async (t) => {
  const { client, connect, receiveDelta, receiveSnapshot, lookups } = withFakeServer(
    t,
    ({ counters }) => (counters.length > 0 ? appliedResponse([resultOf(1, 1)], cursorAt(1)) : undefined),
    { ...withoutStorage, transports: ['websocket'] },
  );
  client.setCells(cells);
  await connect();
  await untilTrue('it is settled', () => client.pending === 0 || client.outbox[0]?.status === 'accepted');
  receiveDelta(cursorAt(0), cursorAt(1), [resultOf(1, 1)]);
  await untilTrue('it is contained', () => client.outbox.length === 0);
  receiveSnapshot(cursorAt(0, 'b'), 'unknown-cursor');
  t.equal(client.pending, 0);
  t.same(lookups(), []);
});
