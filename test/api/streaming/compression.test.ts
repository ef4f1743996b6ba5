/** Messages that are compressed for the subscribers that accept it. */
import { deflateSync } from 'node:zlib';
import t from 'tap';
import { WebSocket } from 'ws';
import { deflateProtocol, streamProtocol } from '../../../shared/contract/wire.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { putParticle, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { openStream, type StreamClient, streamUrl } from '../support/stream-client.ts';
import { withApi } from '../support/with-app.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const token = await api.createToken();
const content = 'a memory '.repeat(50);

async function write(field: string, updates: readonly object[]): Promise<void> {
  const { status } = await api.request(`/api/fields/${field}/updates`, {
    token,
    body: { updates },
    headers: { prefer: 'wait=10' },
  });
  if (status !== 200) throw new Error(`the updates were answered with ${status}`);
}

/** The types of a subscriber's messages without those of presence, and which of them were compressed. */
function typesOf({ messages, compressed }: StreamClient): string[] {
  const marked = messages.map(({ type }, index) => `${type}${compressed[index] ? ' compressed' : ''}`);
  return marked.filter((each) => !each.startsWith('presence'));
}

t.test('long messages are compressed, short ones are not, and all arrive in order', async (t) => {
  await write('mixed', [
    putParticle(1, 'a', { content }),
    putParticle(2, 'b', { content }),
    putParticle(3, 'c', { content }),
  ]);
  const client = await openStream(t, api, { token, field: 'mixed', compressed: true, byProtocol: true });
  const plain = await openStream(t, api, { token, field: 'mixed' });
  t.same([client.socket.protocol, plain.socket.protocol], [deflateProtocol, streamProtocol]);
  for (const each of [client, plain]) await each.waitForVersion(3);
  await write('mixed', [setCell(4, 0, 0.5)]);
  await write(
    'mixed',
    [5, 6, 7, 8].map((counter) => putParticle(counter, `p${counter}`, { content })),
  );
  await write('mixed', [setCell(9, 1, 0.5)]);
  for (const each of [client, plain]) await each.waitForVersion(9);
  t.same(typesOf(client), ['snapshot compressed', 'delta', 'delta compressed', 'delta']);
  t.same(typesOf(plain), ['snapshot', 'delta', 'delta', 'delta']);
  t.same(
    client.messages.filter(({ type }) => type !== 'presence'),
    plain.messages.filter(({ type }) => type !== 'presence'),
  );
});

t.test('a snapshot that is too long for the event loop is compressed in a thread', async (t) => {
  const count = 400;
  const updates = Array.from({ length: count }, (_, index) => putParticle(index + 1, `p${index}`, { content }));
  await write('long', updates);
  const clients = await Promise.all(
    [1, 2, 3].map(() => openStream(t, api, { token, field: 'long', compressed: true })),
  );
  for (const client of clients) {
    await client.waitForVersion(count);
    t.same(typesOf(client), ['snapshot compressed']);
    const { state } = await client.find('snapshot');
    t.equal(state.memoryParticles.length, count);
  }
});

t.test('a subscriber that reads late gets compressed and other messages in order', async (t) => {
  const client = await openStream(t, api, { token, field: 'late', compressed: true });
  await client.find('presence');
  client.socket.pause();
  for (let counter = 1; counter <= 40; counter += 2) {
    await write('late', [
      putParticle(counter, `p${counter}`, { content: content.repeat(4) }),
      putParticle(counter + 1, `q${counter}`, { content: content.repeat(counter % 4) }),
    ]);
  }
  client.socket.resume();
  await client.waitForVersion(40);
  t.ok(client.compressed.includes(true));
  t.same(
    client.versions(),
    [...client.versions()].sort((a, b) => a - b),
  );
});

t.test('a client may not send compressed messages', async (t) => {
  const client = await openStream(t, api, { token, field: 'sending', compressed: true });
  t.equal(client.socket.extensions, '', 'the extension permessage-deflate is not accepted');
  client.socket.send(deflateSync('{"type":"ping"}'));
  t.match(await client.find('error'), { problem: { code: 'bad_request' }, messageNumber: 1 });
  client.send({ type: 'ping' });
  await client.find('pong');
  const { socket } = await openStream(t, api, { token, field: 'sending', compressed: true });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  // A text frame with RSV1, as the extension marks what is compressed.
  (socket as unknown as { _socket: NodeJS.WritableStream })._socket.write(Buffer.from([0xc1, 0x80, 0, 0, 0, 0]));
  t.equal(await closed, 1002);
});

t.test('compression can be switched off', async (t) => {
  const off = await withApi(t, backing, { STREAM_COMPRESSION: 'false' });
  await write('off', [putParticle(1, 'a', { content: content.repeat(4) })]);
  const client = await openStream(t, off, { token, field: 'off', compressed: true });
  t.equal(client.socket.protocol, streamProtocol);
  await client.waitForVersion(1);
  t.same(typesOf(client), ['snapshot']);
});

t.test('a client that offers only the compressed protocol is served while it is on', async (t) => {
  const socket = new WebSocket(streamUrl(api, 'only'), [deflateProtocol, `bearer.${token}`]);
  t.teardown(() => socket.terminate());
  await waitUntil('it is open', () => socket.readyState === WebSocket.OPEN);
  t.equal(socket.protocol, deflateProtocol);
});
