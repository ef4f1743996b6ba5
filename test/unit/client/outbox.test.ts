import t from 'tap';
import { memoryStorage } from '../../../client/storage/memory-storage.ts';
import type { Storage } from '../../../client/storage/storage.ts';
import { loadOutbox, resultOf, unlimited } from './support/load-outbox.ts';

/** What version 0.1.0 of the client has written: five entries were settled, one is refused, two were not answered yet. */
const stored: Readonly<Record<string, string>> = {
  outbox: '{"counter":7,"place":7,"first":6}',
  'outbox/6':
    '{"place":6,"update":{"kind":"particle.put","id":"p","resonance":2,"counter":6,"timestamp":1700000000001,"seen":3},' +
    '"wall":1700000000000,"above":1699999999000,"reason":"/resonance must be at most 1"}',
  'outbox/7':
    '{"place":7,"update":{"kind":"cells.set","cells":[{"x":1,"y":2,"value":0.5}],"counter":7,"timestamp":1700000000002,' +
    '"seen":3},"wall":1700000000001,"above":1700000000001}',
  'outbox/8':
    '{"place":8,"update":{"kind":"event","type":"harmony","counter":8,"timestamp":1700000000003,"seen":4},' +
    '"wall":1700000000002,"above":1700000000002}',
};

async function withStored(values: Readonly<Record<string, string>>): Promise<Storage> {
  const storage = memoryStorage();
  for (const [key, value] of Object.entries(values)) await storage.set(key, value);
  return storage;
}

t.test('an outbox that version 0.1.0 has stored is taken over, sent, and stored in the same form', async (t) => {
  const [former, storage] = [await withStored({ ...stored, state: '{"field":"f"}' }), memoryStorage()];
  const { outbox, store, addCell } = await loadOutbox({ storage, formerStorages: [former] });
  t.match(outbox.entries, [
    { key: 'kept-1', counter: 6, status: 'refused', reason: '/resonance must be at most 1', update: { id: 'p' } },
    { key: 'kept-2', counter: 7, status: 'queued', update: { cells: [{ x: 1, y: 2, value: 0.5 }], seen: 3 } },
    { key: 'kept-3', counter: 8, status: 'queued', update: { type: 'harmony', seen: 4 } },
  ]);
  t.equal(outbox.pending, 2);
  t.equal(addCell(9).counter, 9, 'counters continue above the stored ones');
  await store.flush();
  for (const key of [...Object.keys(stored), 'state']) t.equal(await former.get(key), null, `${key} was moved`);
  const batch = outbox.nextBatch(...unlimited);
  t.same(
    batch.map(({ counter, timestamp }) => [counter, timestamp]),
    [
      [7, 1_700_000_000_002],
      [8, 1_700_000_000_003],
      [9, 1_700_000_100_000],
    ],
  );
  t.ok(outbox.needsResults(batch.slice(0, 1)), 'another process may have used the counter');
  t.notOk(outbox.needsResults(batch.slice(2)));

  outbox.refuse(8, 'intensity is missing');
  await store.flush();
  t.equal(
    await storage.get('outbox/3'),
    '{"place":3,"update":{"kind":"event","type":"harmony","counter":8,"timestamp":1700000000003,"seen":4},' +
      '"wall":1700000000002,"above":1700000000002,"reason":"intensity is missing","device":"d"}',
  );
  outbox.settle([resultOf(7, 5)], 'response');
  outbox.discard('kept-1');
  await store.flush();
  for (const key of ['outbox', 'outbox-copy']) {
    t.equal(await storage.get(key), '{"counter":9,"place":4,"sent":9}');
  }
  t.same([await storage.get('outbox/1'), await storage.get('outbox/2')], [null, null]);
});

t.test('a restored update is not settled by a delta, which carries its counter alone', async (t) => {
  const storage = memoryStorage();
  await storage.set('outbox/7', stored['outbox/7'] ?? '');
  const { outbox, summarize } = await loadOutbox({ storage });
  outbox.nextBatch(...unlimited);
  outbox.settle([resultOf(7, 1)], 'delta');
  t.same(summarize(), [[7, 'queued']]);
  outbox.settle([resultOf(7, 1)], 'response');
  t.same(summarize(), [[7, 'applied']]);
});

t.test('a counter that was used for another update is replaced, and later updates stay behind it', async (t) => {
  const { outbox, addCell, summarize } = await loadOutbox();
  addCell(1);
  outbox.nextBatch(...unlimited);
  addCell(2);
  t.ok(outbox.settle([resultOf(1, 1, 'reused')], 'response'));
  t.same(summarize(), [
    [3, 'queued'],
    [4, 'queued'],
  ]);
  t.same(
    outbox.nextBatch(...unlimited).map((update) => update.kind === 'cells.set' && update.cells[0]?.x),
    [1, 2],
  );
});

t.test('an update that a delta had settled is sent again when its counter turns out to be used twice', async (t) => {
  const storage = memoryStorage();
  const { outbox, store, addCell, summarize, changes } = await loadOutbox({ storage });
  addCell(1);
  outbox.nextBatch(...unlimited);
  outbox.markAccepted([1]);
  const conflict = { ...resultOf(1, 4, 'conflict'), resolution: 'kept_local' } as const;
  outbox.settle([conflict], 'delta');
  outbox.applied.followDelta(3, 4, [conflict]);
  t.same(outbox.entries, []);
  t.ok(outbox.settle([resultOf(1, 5, 'reused')], 'delta'));
  t.match(outbox.entries, [{ counter: 1, status: 'queued', outcome: undefined, version: undefined }]);
  t.ok(outbox.needsResults(outbox.nextBatch(...unlimited)));
  await store.flush();
  t.match(await storage.get('outbox/1'), /"counter":1/, 'it is stored again');
  t.same(
    changes.map(({ status }) => status),
    ['queued', 'accepted', 'conflict', 'queued'],
  );
  outbox.markAccepted([1]);
  outbox.settle([resultOf(1, 4)], 'delta');
  t.same(summarize(), [[1, 'accepted']], 'deltas settle nothing while the device is shared');
});

t.test('counters above all that were sent are skipped, and only updates that were never sent move', async (t) => {
  const { outbox, addCell, summarize } = await loadOutbox();
  addCell(1);
  outbox.nextBatch(...unlimited);
  addCell(2);
  t.notOk(outbox.skipTo(1));
  t.ok(outbox.skipTo(10));
  t.same(summarize(), [
    [1, 'queued'],
    [10_011, 'queued'],
  ]);
});

t.test('a delta settles an update that the server has acknowledged, whichever comes first', async (t) => {
  const { outbox, addCell, summarize } = await loadOutbox();
  addCell(1);
  addCell(2);
  outbox.nextBatch(...unlimited);
  outbox.settle([resultOf(1, 4)], 'delta');
  outbox.settle([resultOf(2, 5)], 'delta');
  t.same(
    summarize().map(([, status]) => status),
    ['queued', 'queued'],
    'they may mean updates of another device with this id',
  );
  t.same(outbox.settle(outbox.markAccepted([1]), 'delta'), false);
  t.match(outbox.entries, [
    { counter: 1, status: 'applied', version: 4 },
    { counter: 2, status: 'queued' },
  ]);
});

t.test('an update that gets a new counter is not settled by what was said of the old one', async (t) => {
  const { outbox, addCell, summarize } = await loadOutbox();
  addCell(1);
  outbox.nextBatch(...unlimited);
  outbox.settle([resultOf(1, 4)], 'delta');
  outbox.settle([resultOf(1, 4, 'reused')], 'response');
  outbox.nextBatch(...unlimited);
  t.same(outbox.markAccepted([2]), []);
  t.same(summarize(), [[2, 'accepted']]);
});

t.test('an update that the state contains already is not shown on top of it, until its history is lost', async (t) => {
  const { outbox, addCell } = await loadOutbox();
  addCell(1);
  addCell(2);
  outbox.nextBatch(...unlimited);
  const counters = () => outbox.uncontained.map(({ counter }) => counter);
  t.same(counters(), [1, 2]);
  outbox.settle([resultOf(1, 4)], 'delta');
  t.same(counters(), [2], 'a delta brought it before the server acknowledged it');
  outbox.forgetEarlyResults();
  t.same(counters(), [1, 2]);
});

t.test('what a full storage does not take is sent under counters that the next process will not use', async (t) => {
  const storage = memoryStorage();
  let isFull = false;
  const limited = {
    ...storage,
    set: (key: string, value: string) =>
      isFull ? Promise.reject(new Error('QuotaExceededError')) : storage.set(key, value),
  };
  const { outbox, store, addCell, send } = await loadOutbox({ storage: limited });
  addCell(1);
  await store.flush();
  isFull = true;
  addCell(2);
  addCell(3);
  await store.flush();
  outbox.leapIfUnsaved();
  const [first = 0, second = 0, third = 0] = send();
  t.equal(first, 1, 'what is stored keeps its counter');
  t.ok(second > 1000, `${second}`);
  t.equal(third, second + 1);
  addCell(4);
  await store.flush();
  outbox.leapIfUnsaved();
  t.same(send().at(-1), third + 1, 'there is no need for another leap');

  const next = await loadOutbox({ storage });
  next.addCell(5);
  t.same(next.send(), [1, 2]);
});

t.test('what a storage does not take for a moment keeps its place in the order', async (t) => {
  const storage = memoryStorage();
  const refused = new Set(['outbox/2', 'outbox/3']);
  const flaky = {
    ...storage,
    set: (key: string, value: string) =>
      [...refused].some((each) => key.endsWith(each)) ? Promise.reject(new Error('busy')) : storage.set(key, value),
  };
  const { outbox, store, addCell, send } = await loadOutbox({ storage: flaky });
  for (const x of [1, 2, 3, 4]) addCell(x);
  await store.flush();
  outbox.leapIfUnsaved();
  t.same(send(), [1, 2, 3, 4], 'a later process continues above the fourth');
});
