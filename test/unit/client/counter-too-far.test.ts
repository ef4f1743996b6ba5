/** Counters that the server refuses, because they are too far above the last one that it has of the device. */
import t, { type Test } from 'tap';
import type { FieldClientOptions } from '../../../client/options.ts';
import { memoryStorage } from '../../../client/storage/memory-storage.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import { passSeconds, untilTrue, withFakeServer } from './support/fake-server.ts';
import { ModelServer, refuseCounter } from './support/model-server.ts';

const prefix = 'consciousness-field/f';
const farCounter = 1_200_000;

/** A storage that has numbered updates up to this counter. */
async function storageAt(counter: number) {
  const storage = memoryStorage();
  await storage.set(`${prefix}/outbox`, JSON.stringify({ counter, place: 0 }));
  return storage;
}

function tokenOf(device: string, sub?: string): string {
  return `.${btoa(JSON.stringify({ device, sub }))}.`;
}

function put(name: string, counter: number): SentUpdate {
  return { kind: 'particle.put', id: name, content: name, counter, timestamp: 1_700_000_000_000, seen: 0 };
}

/** What a process stores of an update, by key. */
function storedEntry(place: number, update: SentUpdate, device: string): readonly [key: string, value: string] {
  return [`${prefix}/outbox/${place}`, JSON.stringify({ place, update, wall: update.timestamp, above: 0, device })];
}

function open(t: Test, options: Partial<FieldClientOptions>) {
  const { client } = withFakeServer(t, () => undefined, { transports: ['polling'], random: () => 0.5, ...options });
  const refused: string[] = [];
  client.on('update', ({ status, reason = '' }) => {
    if (status === 'refused') refused.push(reason);
  });
  return {
    client,
    refused,
    add: (name: string) => client.putParticle(name, { content: name }),
    async waitUntilSent() {
      for (let second = 0; second < 300 && client.pending > 0; second += 1) await passSeconds(1);
      await untilTrue('everything is applied', () => client.pending === 0);
    },
  };
}

/** The names and devices of the updates in the log, in its order. */
function namesIn({ log }: ModelServer): string[] {
  return log.map(({ device, update }) => `${device} ${update.kind === 'particle.put' ? update.id : ''}`);
}

t.test(
  'a storage that has numbered the updates of another device continues above the counter of this one',
  async (t) => {
    const [server, storage] = [new ModelServer(), await storageAt(farCounter)];
    const { fetch } = server;
    const first = open(t, { fetch, storage });
    first.add('a');
    await first.client.start();
    await first.waitUntilSent();
    first.add('b');
    await first.waitUntilSent();
    await first.client.close();
    t.match(JSON.parse((await storage.get(`${prefix}/outbox`)) ?? ''), { counter: server.log[1]?.update.counter });

    const later = open(t, { fetch, storage });
    await later.client.start();
    later.add('c');
    await later.waitUntilSent();
    t.same(namesIn(server), ['d a', 'd b', 'd c']);
    t.same([...first.refused, ...later.refused], []);
    const counters = server.log.map(({ update }) => update.counter);
    t.ok(Math.max(...counters) < 500_000);
    t.same(
      counters.map((each) => each - (counters[0] ?? 0)),
      [0, 1, 2],
      'a restart continues',
    );
  },
);

t.test('a server that was restored from a backup gets what it has lost, and newer edits after it', async (t) => {
  const [server, storage] = [new ModelServer(), await storageAt(farCounter)];
  server.log.push({ device: 'x', update: put('other', 1) }, { device: 'd', update: put('early', farCounter) });
  const { client, add, waitUntilSent, refused } = open(t, { fetch: server.fetch, storage });
  await client.start();
  for (const name of ['a', 'b']) add(name);
  await waitUntilSent();
  t.same(namesIn(server), ['x other', 'd early', 'd a', 'd b']);

  server.log.length = 1;
  add('c');
  await passSeconds(5);
  await waitUntilSent();
  add('d');
  await waitUntilSent();
  t.same(namesIn(server), ['x other', 'd a', 'd b', 'd c', 'd d']);
  t.same(refused, []);
});

t.test('an edit that a former device has sent is not applied again', async (t) => {
  const [server, storage] = [new ModelServer(), memoryStorage()];
  const [applied, lost] = [put('applied', farCounter - 1), put('lost', farCounter)];
  server.log.push({ device: 'old', update: applied });
  await storage.set(`${prefix}/outbox`, JSON.stringify({ counter: farCounter, place: 2, sent: farCounter }));
  await storage.set(...storedEntry(1, applied, 'old'));
  await storage.set(...storedEntry(2, lost, 'old'));
  const { client, add, waitUntilSent, refused } = open(t, { fetch: server.fetch, storage, token: tokenOf('new') });
  await client.start();
  add('next');
  await waitUntilSent();
  t.same(namesIn(server), ['old applied', 'new lost', 'new next']);
  t.same(refused, []);
});

t.test('an accepted edit that still waits at a restored server is not applied twice', async (t) => {
  const [server, storage] = [new ModelServer(), await storageAt(farCounter)];
  server.log.push({ device: 'x', update: put('other', 1) }, { device: 'd', update: put('early', farCounter) });
  let queued: SentUpdate | undefined;
  const fetch: typeof globalThis.fetch = async (address, init) => {
    if (!init?.body || queued) return server.fetch(address, init);
    [queued] = JSON.parse(String(init.body)).updates as SentUpdate[];
    return new Response(JSON.stringify({ serverTime: 0 }), { status: 202 });
  };
  const { client, add, waitUntilSent, refused } = open(t, { fetch, storage });
  await client.start();
  add('a');
  await untilTrue('it is accepted', () => client.outbox[0]?.status === 'accepted');
  server.log.length = 1;
  add('b');
  await passSeconds(30);
  t.same(namesIn(server), ['x other'], 'both wait');
  if (queued) server.log.push({ device: 'd', update: queued });
  await waitUntilSent();
  t.same(namesIn(server), ['x other', 'd a', 'd b']);
  t.same(refused, []);
});

t.test('an accepted edit that a restored server has lost is sent again in the end', async (t) => {
  const [server, storage] = [new ModelServer(), await storageAt(farCounter)];
  server.log.push({ device: 'x', update: put('other', 1) }, { device: 'd', update: put('early', farCounter) });
  let isQueued = false;
  const fetch: typeof globalThis.fetch = async (address, init) => {
    if (!init?.body || isQueued) return server.fetch(address, init);
    isQueued = true;
    return new Response(JSON.stringify({ serverTime: 0 }), { status: 202 });
  };
  const { client, add, waitUntilSent } = open(t, { fetch, storage, random: () => 0 });
  await client.start();
  add('a');
  await untilTrue('it is accepted', () => client.outbox[0]?.status === 'accepted');
  server.log.length = 1;
  add('b');
  await waitUntilSent();
  t.same(namesIn(server), ['x other', 'd a', 'd b']);
});

t.test(
  'an edit that an earlier process may have sent keeps its counter, and is applied before newer ones',
  async (t) => {
    const [server, storage] = [new ModelServer(), memoryStorage()];
    const updates = [put('a', 999_998), put('b', 1_000_001), put('c', 1_000_002)];
    await storage.set(`${prefix}/outbox`, JSON.stringify({ counter: 1_000_002, place: 3, sent: 999_998 }));
    for (const [index, update] of updates.entries()) await storage.set(...storedEntry(index + 1, update, 'd'));
    const { client, add, waitUntilSent, refused } = open(t, { fetch: server.fetch, storage });
    await client.start();
    add('d');
    await waitUntilSent();
    t.same(namesIn(server), ['d a', 'd b', 'd c', 'd d']);
    t.same(
      server.log.slice(0, 3).map(({ update }) => update.counter),
      updates.map(({ counter }) => counter),
    );
    t.same(refused, []);
  },
);

t.test('edits of an account that waits for its turn keep their counters, and no other edit gets them', async (t) => {
  const [server, storage] = [new ModelServer(), await storageAt(1_000_001)];
  server.log.push({ device: 'of-ann', update: put('early', 1_000_001) });
  let isLosing = true;
  const fetch: typeof globalThis.fetch = async (address, init) => {
    const response = await server.fetch(address, init);
    if (isLosing && init?.body) throw new TypeError('the connection is lost');
    return response;
  };
  const signIn = (name: string) => open(t, { fetch, storage, token: tokenOf(`of-${name}`, name) });
  const ann = signIn('ann');
  await ann.client.start();
  ann.add('a');
  await untilTrue('it is applied, but not answered', () => server.log.length === 2);
  await ann.client.close();
  isLosing = false;

  const bob = signIn('bob');
  await bob.client.start();
  bob.add('b');
  await bob.waitUntilSent();
  await bob.client.close();
  const again = signIn('ann');
  await again.client.start();
  again.add('c');
  await again.waitUntilSent();
  t.same(namesIn(server), ['of-ann early', 'of-ann a', 'of-bob b', 'of-ann c']);
  t.same([...ann.refused, ...bob.refused, ...again.refused], []);
});

t.test('a server that refuses every counter is asked with growing pauses, and nothing is refused', async (t) => {
  const [server, storage] = [new ModelServer(), await storageAt(farCounter)];
  let count = 0;
  const fetch: typeof globalThis.fetch = async (address, init) => {
    if (!init?.body) return server.fetch(address, init);
    count += 1;
    return refuseCounter(count % 3);
  };
  const { client, add, refused } = open(t, { fetch, storage });
  for (const name of ['a', 'b', 'c', 'd']) add(name);
  await client.start();
  await passSeconds(120);
  t.ok(count > 3 && count < 60, `${count} requests`);
  t.equal(client.pending, 4);
  t.same(refused, []);
});
