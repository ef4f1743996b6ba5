import { randomBytes } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import t from 'tap';
import { SharedMessage, StreamMessage } from '../../../api/streaming/stream-message.ts';

function textOf(length: number): Buffer {
  return Buffer.from(randomBytes(length / 2).toString('hex'));
}

t.test('a shared message of 1 KiB or more is compressed once for all', (t) => {
  const text = textOf(2048);
  const message = new SharedMessage('delta', text);
  const { compressed } = message;
  t.ok(compressed && compressed.length < text.length);
  t.ok(compressed && inflateSync(compressed).equals(text));
  t.equal(message.compressed, compressed);
  t.end();
});

t.test('short messages and those of one subscriber are not compressed', async (t) => {
  for (const message of [new SharedMessage('delta', textOf(1022)), new StreamMessage('delta', textOf(4096))]) {
    t.equal(message.compressed, undefined);
    await message.compress();
    t.equal(message.compressed, undefined);
  }
});

t.test('a long message is compressed in a thread, and sent as it is until then', async (t) => {
  const text = textOf(1024 * 1024);
  const message = new SharedMessage('snapshot', text);
  t.equal(message.compressed, undefined);
  await Promise.all([message.compress(), message.compress()]);
  const { compressed } = message;
  t.ok(compressed && inflateSync(compressed).equals(text));
  await message.compress();
  t.equal(message.compressed, compressed);
});
