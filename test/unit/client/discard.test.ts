/** What apps see of an entry that was refused and discarded. */
import t from 'tap';
import { inLog, refusal, untilTrue, withFakeServer } from './support/fake-server.ts';
import { cursorAt } from './support/load-outbox.ts';

t.test('an entry that was discarded is gone at once, also while nothing else happens', async (t) => {
  const refuse = (_counters: readonly number[], messageNumber: number) => refusal(400, messageNumber);
  const { client, connect, receiveSnapshot } = withFakeServer(t, () => inLog, {}, refuse);
  await connect();
  receiveSnapshot(cursorAt(0), 'start');
  const entry = client.setCells([{ x: 1, y: 1, value: 0.5 }]);
  await untilTrue('it is refused', () => client.outbox[0]?.status === 'refused');
  const lengths: number[] = [];
  client.on('state', () => lengths.push(client.outbox.length));
  client.discard(entry);
  t.same(lengths, [0], 'those who show the outbox are told');
});
