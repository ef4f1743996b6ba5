import t from 'tap';
import type { Item } from '../../../client/outbox/outbox-item.ts';
import { memoryStorage } from '../../../client/storage/memory-storage.ts';
import { KeptUpdates } from '../../../client/storage/persistence/kept-updates.ts';
import { restoreApplied } from '../../../client/storage/persistence/stored-item.ts';
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

function createKept(storage: Storage): KeptUpdates {
  return new KeptUpdates({ storage, onDamage: (key) => t.fail(`${key} is damaged`) });
}

async function reload(storage: Storage): Promise<number[]> {
  const kept = createKept(storage);
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
  const kept = createKept(storage);
  kept.add(createApplied(1));
  await kept.write();
  for (let second = 0; second < 300; second += 1) if (kept.addConnectedTime(1000)) await kept.write();
  kept.add(createApplied(2));
  await kept.write();
  t.same(await reload(storage), [1, 2]);

  const next = createKept(storage);
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
  const kept = createKept(storage);
  for (let counter = 1; counter <= 2500; counter += 1) kept.add(createApplied(counter));
  await kept.write();
  const counters = await reload(storage);
  t.ok(counters.length > 950 && counters.length <= 1000, `${counters.length} are kept`);
  t.equal(counters.at(-1), 2500);

  const large = createKept(memoryStorage());
  for (let counter = 1; counter <= 100; counter += 1) {
    const item = createApplied(counter);
    const update = { ...item.entry.update, kind: 'particle.put', id: 'p', content: 'x'.repeat(9000) } as const;
    large.add({ ...item, entry: { ...item.entry, update } });
  }
  t.ok(large.items.length > 30 && large.items.length < 50, `${large.items.length} are kept`);
});

t.test('storing one more update writes a small part of them', async (t) => {
  const { storage, writes, keys } = countKeys(memoryStorage());
  const kept = createKept(storage);
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

t.test('damaged values are reported, and cost nothing else', async (t) => {
  const load = async (values: Record<string, string>) => {
    const storage = memoryStorage();
    for (const [key, value] of Object.entries(values)) await storage.set(key, value);
    const damaged: string[] = [];
    const kept = new KeptUpdates({ storage, onDamage: (key) => damaged.push(key) });
    await kept.load();
    return { damaged, counters: kept.items.map(({ entry }) => entry.counter) };
  };
  for (const applied of ['', 'null', '[]', '{"first":"x","next":{}}', '{"first":1,"next":1e308,"connected":0}']) {
    t.same(await load({ applied }), { damaged: ['applied'], counters: [] }, applied);
  }
  const valid = { update: setCell(1, 1, 0.5), version: 1, cursor: cursorAt(1), device: 'd' };
  const toChunk = (...updates: unknown[]) => JSON.stringify({ startedAt: 0, lastAt: 0, updates });
  const result = await load({
    applied: '{"first":1,"next":7,"connected":0}',
    'applied/1': '{"upd',
    'applied/2': '{"updates":{}}',
    'applied/3': toChunk({ ...valid, cursor: 'x' }),
    'applied/4': toChunk({ ...valid, update: { ...valid.update, cells: null } }),
    'applied/5': toChunk(valid),
    'applied/6': toChunk(null),
  });
  t.same(result, { damaged: [1, 2, 3, 4, 6].map((number) => `applied/${number}`), counters: [1] });
});
