import t from 'tap';
import { accepted, inLog, passSeconds, untilTrue, withFakeServer } from './support/fake-server.ts';
import { cursorAt } from './support/load-outbox.ts';

t.test('an update whose result was missed is sent again, although the clock was set back', async (t) => {
  const server = withFakeServer(t, ({ counters }) => (counters.length > 0 ? accepted : inLog));
  await server.connect();
  server.receiveSnapshot(cursorAt(0), 'start');
  server.client.setCells([{ x: 1, y: 0, value: 0.5 }]);
  await untilTrue('it is sent', () => server.sent().length === 1);
  const now = Date.now;
  Date.now = () => now() - 900_000;
  await passSeconds(15);
  await untilTrue('it is sent again', () => server.sent().length > 1);
});
