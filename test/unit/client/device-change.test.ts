/** Updates that a former device may have sent, whose receipts the server gives only a few at a time. */
import t from 'tap';
import { memoryStorage } from '../../../client/storage/memory-storage.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import { passSeconds, untilTrue, withFakeServer } from './support/fake-server.ts';
import { ModelServer } from './support/model-server.ts';

const prefix = 'consciousness-field/f';
const updateCount = 20;
const appliedCount = 5;

t.test('receipts that were given before a refused request are not requested again', async (t) => {
  const [server, storage] = [new ModelServer(), memoryStorage()];
  const head = { counter: updateCount, place: updateCount, sent: updateCount };
  await storage.set(`${prefix}/outbox`, JSON.stringify(head));
  for (let counter = 1; counter <= updateCount; counter += 1) {
    const content = { kind: 'particle.put', id: `p${counter}`, content: `${counter}` } as const;
    const update: SentUpdate = { ...content, counter, timestamp: 1_700_000_000_000, seen: 0 };
    const entry = { place: counter, update, wall: update.timestamp, above: 0, device: 'old' };
    await storage.set(`${prefix}/outbox/${counter}`, JSON.stringify(entry));
    if (counter <= appliedCount) server.log.push({ device: 'old', update });
  }
  const given: string[] = [];
  let requestCount = 0;
  const fetch: typeof globalThis.fetch = async (address, init) => {
    const isReceipt = String(address).includes('/updates/old/');
    const isLookup = String(address).includes('/updates?after=');
    if (isReceipt || isLookup) requestCount += 1;
    if ((isReceipt || isLookup) && requestCount % 8 === 0)
      return new Response(JSON.stringify({ status: 429, code: 'rate_limited', title: 'Too many' }), { status: 429 });
    if (isReceipt) given.push(String(address).replace(/.*\//, ''));
    return server.fetch(address, init);
  };
  const token = `.${btoa(JSON.stringify({ device: 'new' }))}.`;
  const { client } = withFakeServer(t, () => undefined, { fetch, storage, token, transports: ['polling'] });
  await client.start();
  for (let second = 0; second < 300 && client.pending > 0; second += 1) await passSeconds(1);
  await untilTrue('everything is sent', () => client.pending === 0);
  t.same(
    given,
    Array.from({ length: updateCount }, (_, index) => String(index + 1)),
  );
  t.same(
    server.log.map(({ device, update }) => [device, update.counter]),
    Array.from({ length: updateCount }, (_, index) => [index < appliedCount ? 'old' : 'new', index + 1]),
  );
});
