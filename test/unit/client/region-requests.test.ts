/** Which part of the field a client watches while the server refuses to change it. */
import t from 'tap';
import { accepted, passSeconds, refusal, withFakeServer } from './support/fake-server.ts';
import { cursorAt } from './support/load-outbox.ts';

const regionAt = (x0: number) => ({ x0, y0: 0, x1: x0 + 10, y1: 10 });

t.test('a region that the server refuses is requested again, until it is accepted', async (t) => {
  const server = withFakeServer(t, () => accepted);
  await server.connect();
  server.receiveSnapshot(cursorAt(1), 'start');
  server.client.setRegion(regionAt(0));
  t.equal(server.regionMessages.length, 1);
  server.receive(refusal(429, server.regionMessages[0]));
  t.equal(server.client.problem?.message, 'refused with 429');
  await passSeconds(21);
  t.ok(server.regionMessages.length >= 2, 'it was requested again');
  const { length } = server.regionMessages;
  server.receiveSnapshot(cursorAt(1), 'region');
  await passSeconds(21);
  t.equal(server.regionMessages.length, length, 'an accepted one is not requested again');
});
