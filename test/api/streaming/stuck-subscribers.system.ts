/** Subscribers on real sockets that stop reading, like a phone that was put to sleep: TCP stops accepting data. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitForVersion } from '../../support/read-back.ts';
import { asDevice, asField, jobOf, putParticle } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { openStream } from '../support/stream-client.ts';
import { type TestApi, withApi } from '../support/with-app.ts';

const field = asField('stuck');
const device = asDevice('phone-1');
const updatesPerJob = 100;
const content = 'x'.repeat(2000);
const bytesPerMb = 1024 ** 2;
/** A subscriber is closed after 30 s of lag. */
const longTimeout = { timeoutMs: 60_000, intervalMs: 500 };
/** The kernel buffers several MB at either end before the server notices. */
const enoughJobs = 80;

/** Opens a WebSocket without a client library, and reads nothing after the handshake. */
async function openStuckSocket(t: Test, api: TestApi, token: string): Promise<Socket> {
  const { hostname, port } = new URL(api.address);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined); // `close` follows.
  t.teardown(() => socket.destroy());
  socket.write(
    `GET /api/fields/${field}/stream HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
      `Sec-WebSocket-Protocol: field.v2\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  const [answer] = await once(socket, 'data');
  t.match(String(answer), /^HTTP\/1\.1 101 /);
  socket.pause();
  return socket;
}

async function readMetric(api: TestApi, token: string, name: string): Promise<number> {
  const { text } = await api.request('/metrics', { token });
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1]);
}

t.test('a stuck subscriber costs bounded memory, and is closed after 30 s', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const api = await withApi(t, backing);
  const token = await api.createToken();
  const operator = await api.createToken({ scope: ['admin'], device: null });
  await backing.producer.enqueue(jobOf(field, device, [putParticle(1, 'first')]));
  await waitForVersion(backing, field, 1);
  const stuck = await openStuckSocket(t, api, token);
  const paused = await openStream(t, api, { token, field });
  await paused.waitForVersion(1);
  paused.socket.pause();
  const healthy = await openStream(t, api, { token, field });

  let counter = 1;
  for (let job = 0; job < enoughJobs; job += 1) {
    const updates = Array.from({ length: updatesPerJob }, (_, at) => putParticle(++counter, `p-${at}`, { content }));
    await backing.producer.enqueue(jobOf(field, device, updates));
    if (job % 10 === 9) await healthy.waitForVersion(counter);
  }
  const sentMb = (enoughJobs * updatesPerJob * content.length) / bytesPerMb;
  const bufferedMb = (await readMetric(api, operator, 'field_streams_buffered_bytes')) / bytesPerMb;
  t.comment(
    `${sentMb.toFixed(0)} MB of deltas for each, ${bufferedMb.toFixed(1)} MB buffered for the two that do not read`,
  );
  t.ok(bufferedMb > 0, 'the buffers of the kernel are full');
  t.ok(bufferedMb < 4, 'at most the high-water mark for each, and one message more');

  paused.socket.resume();
  await paused.waitForVersion(counter);
  t.ok(
    paused.versions().length < healthy.versions().length,
    'a subscriber that resumes reading catches up with the newest state',
  );

  const countTooSlow = () => readMetric(api, operator, 'field_streams_too_slow_total');
  await waitUntil('the stuck subscriber was closed', async () => (await countTooSlow()) === 1, longTimeout);
  const closed = once(stuck, 'close');
  stuck.resume();
  await closed;
  t.equal(await countTooSlow(), 1, 'no other subscriber was closed');
});
