import t from 'tap';
import { KeptUpdates } from '../../../client/outbox/kept-updates.ts';
import { type Item, restoreApplied } from '../../../client/outbox/outbox-item.ts';
import { memoryStorage } from '../../../client/storage/memory-storage.ts';
import type { Storage } from '../../../client/storage/storage.ts';
import { setCell } from '../../support/updates.ts';
import { cursorAt } from './support/load-outbox.ts';

const minuteMs = 60_000;

function createApplied(counter: number): Item {
  return restoreApplied({
    update: setCell(counter, counter % 30, 0.5),
    version: counter,
    cursor: cursorAt(counter),
    device: 'd',
  });
}

async function reload(storage: Storage): Promise<number[]> {
  const kept = new KeptUpdates(storage);
  await kept.load();
  return kept.items.map(({ entry }) => entry.counter);
}

function countKeys(storage: Storage) {
  const keys = new Set<string>();
  let writes = 0;
  const counted: Storage = {
    get: storage.get,
    set: async (key, value) => {
      writes += 1;
      keys.add(key);
      await storage.set(key, value);
    },
    remove: async (key) => {
      keys.delete(key);
      await storage.remove(key);
    },
  };
  return { storage: counted, keys, writes: () => writes };
}

t.test('updates are kept for ten minutes of connected time, which goes on after a restart', async (t) => {
  const { storage, keys } = countKeys(memoryStorage());
  const kept = new KeptUpdates(storage);
  kept.add(createApplied(1));
  await kept.write();
  for (let second = 0; second < 300; second += 1) if (kept.addConnectedTime(1000)) await kept.write();
  kept.add(createApplied(2));
  await kept.write();
  t.same(await reload(storage), [1, 2]);

  const next = new KeptUpdates(storage);
  await next.load();
  t.notOk(next.addConnectedTime(4 * minuteMs + 1) && next.items.length < 2);
  t.ok(next.addConnectedTime(minuteMs));
  await next.write();
  t.same(await reload(storage), [2]);
  next.addConnectedTime(5 * minuteMs);
  await next.write();
  t.same(await reload(storage), []);
  t.same([...keys], ['applied'], 'no chunk is left in the storage');
});

t.test('at most the newest 1,000 updates and 400,000 characters are kept', async (t) => {
  const storage = memoryStorage();
  const kept = new KeptUpdates(storage);
  for (let counter = 1; counter <= 2500; counter += 1) kept.add(createApplied(counter));
  await kept.write();
  const counters = await reload(storage);
  t.ok(counters.length > 950 && counters.length <= 1000, `${counters.length} are kept`);
  t.equal(counters.at(-1), 2500);

  const large = new KeptUpdates(memoryStorage());
  for (let counter = 1; counter <= 100; counter += 1) {
    const item = createApplied(counter);
    const update = { ...item.entry.update, kind: 'particle.put', id: 'p', content: 'x'.repeat(9000) } as const;
    large.add({ ...item, entry: { ...item.entry, update } });
  }
  t.ok(large.items.length > 30 && large.items.length < 50, `${large.items.length} are kept`);
});

t.test('storing one more update writes a small part of them', async (t) => {
  const { storage, writes, keys } = countKeys(memoryStorage());
  const kept = new KeptUpdates(storage);
  for (let counter = 1; counter <= 1000; counter += 1) kept.add(createApplied(counter));
  await kept.write();
  const before = writes();
  kept.add(createApplied(1001));
  await kept.write();
  t.ok(writes() - before <= 2, `${writes() - before} writes`);
  t.ok(keys.size < 60, `${keys.size} keys`);
  kept.remove(new Set(kept.items));
  await kept.write();
  t.same([...keys], ['applied']);
});

t.test('values in the storage that are not kept updates are ignored', async (t) => {
  for (const index of [
    '',
    'null',
    '[]',
    '{"first":"x","next":{}}',
    '{"first":1,"next":1e308}',
    '{"first":5,"next":2}',
  ]) {
    const storage = memoryStorage();
    await storage.set('applied', index);
    t.same(await reload(storage), [], index);
  }
  const storage = memoryStorage();
  await storage.set('applied', '{"first":1,"next":5}');
  await storage.set('applied/1', '{"upd');
  await storage.set('applied/2', '{"updates":{}}');
  await storage.set('applied/3', '{"updates":[{},{"cursor":"x"},null]}');
  t.same(await reload(storage), []);
});
