/** What a stored outbox costs when it is damaged, and when the storage fails. */
import t from 'tap';
import type { Storage } from '../../../../client/storage/storage.ts';
import { createFaultyStorage } from '../support/faulty-storage.ts';
import { loadOutbox, resultOf, unlimited } from '../support/load-outbox.ts';

/** The stored values of an outbox with entries for these counters, of which none was sent. */
async function createStored(counters: readonly number[]) {
  const storage = createFaultyStorage();
  const { store, addCell } = await loadOutbox({ storage });
  for (const counter of counters) addCell(counter);
  await store.flush();
  return storage;
}

const damagedTexts = [
  '',
  'null',
  '{}',
  '[]',
  '"x"',
  '7',
  '{"counter":1',
  '{"counter":-1,"place":1}',
  '{"counter":1,"place":1e15}',
];

for (const text of damagedTexts) {
  t.test(`a head that is ${text || 'empty'} costs no entry, and no counter is used twice`, async (t) => {
    for (const heads of [['outbox'], ['outbox-copy'], ['outbox', 'outbox-copy']]) {
      const storage = await createStored([1, 2, 3]);
      for (const key of heads) storage.values.set(key, text);
      const { outbox, store, summarize, damaged, addCell } = await loadOutbox({ storage });
      t.same(
        summarize(),
        [1, 2, 3].map((counter) => [counter, 'queued']),
      );
      t.same(damaged, heads.includes('outbox') ? ['outbox'] : []);
      t.equal(addCell(4).counter, 4);
      t.equal(outbox.nextBatch(...unlimited).length, 4);
      await store.flush();
      const next = await loadOutbox({ storage });
      t.same([next.outbox.pending, next.damaged], [4, []], 'the head is whole again');
    }
  });
}

t.test('a lost head costs no entry, wherever the entries are', async (t) => {
  const storage = await createStored(Array.from({ length: 300 }, (_, index) => index + 1));
  const { outbox, store } = await loadOutbox({ storage });
  outbox.nextBatch(...unlimited);
  const results = Array.from({ length: 280 }, (_, index) => resultOf(index + 1, index + 1));
  outbox.settle(results, 'response');
  await store.flush();
  for (const heads of [['outbox'], ['outbox', 'outbox-copy']]) {
    const damaged = createFaultyStorage(storage.values);
    for (const key of heads) damaged.values.set(key, '{"torn');
    t.equal((await loadOutbox({ storage: damaged, version: 300 })).outbox.pending, 20, heads.join());
  }
});

t.test('after a head was lost, updates above its copy may have been sent', async (t) => {
  const storage = await createStored([1, 2]);
  storage.values.set('outbox', '');
  const { outbox, send, summarize } = await loadOutbox({ storage });
  send();
  outbox.settle([resultOf(1, 1, 'expired')], 'response');
  t.same(summarize(), [[2, 'queued']], 'the update is settled rather than sent under another counter');
});

t.test('a damaged entry is reported and removed, and costs no other', async (t) => {
  const valid = (await createStored([1])).values.get('outbox/1') ?? '';
  const texts = [...damagedTexts, valid.slice(0, -1), valid.replace('"counter":1', '"counter":0')];
  texts.push(valid.replace('"seen":"', '"seen":"x'), valid.replace('"update":', '"updates":'));
  for (const text of texts) {
    const storage = await createStored([1, 2, 3]);
    storage.values.set('outbox/2', text);
    const { summarize, damaged } = await loadOutbox({ storage });
    const rest = [1, 3].map((counter) => [counter, 'queued']);
    t.same(summarize(), rest, text);
    t.same(damaged, ['outbox/2']);
    t.notOk(storage.values.has('outbox/2'));
    t.same((await loadOutbox({ storage })).summarize(), rest);
  }
});

t.test('a stored update that no server accepts is refused, and the others are sent', async (t) => {
  const contents = [
    '"kind":"event","type":"nonsense"',
    '"kind":"particle.put","id":"p","content":{}',
    '"kind":"cells.set","cells":null',
    '"kind":"constructor"',
  ];
  for (const content of contents) {
    const storage = await createStored([1, 2]);
    const text = storage.values.get('outbox/1') ?? '';
    storage.values.set('outbox/1', text.replace(/"kind":"cells.set","cells":\[.*?\]/, content));
    const { outbox, send, damaged } = await loadOutbox({ storage });
    t.match(
      outbox.entries,
      [
        { counter: 1, status: 'refused', reason: String },
        { counter: 2, status: 'queued' },
      ],
      content,
    );
    t.same(send(), [2]);
    t.same(damaged, []);
    t.equal(outbox.uncontained.length, 1, 'it is not shown');
  }
});

t.test('an entry that cannot be read stays where it is, and is sent when it can be', async (t) => {
  const storage = await createStored([1, 2, 3]);
  storage.unreadable = /outbox\/2/;
  const { store, summarize, damaged, addCell } = await loadOutbox({ storage });
  t.equal(summarize().length, 2);
  t.same(damaged, []);
  for (const x of [4, 5]) addCell(x);
  await store.flush();
  storage.unreadable = undefined;
  const next = await loadOutbox({ storage });
  t.equal(next.outbox.pending, 5);
});

t.test('a storage that gives nothing is not written', async (t) => {
  for (const unreadable of [/./, /outbox\/\d/, /outbox(-copy)?$/]) {
    const storage = await createStored([1, 2, 3]);
    Object.assign(storage, { unreadable, calls: [] });
    await t.rejects(loadOutbox({ storage }), /cannot be read/);
    t.same(
      storage.calls.filter((call) => !call.startsWith('get ')),
      [],
    );
  }
});

t.test('positions are used again, so that a refused update makes no start read more and more', async (t) => {
  const storage = await createStored([1]);
  const { outbox, store, addCell, send } = await loadOutbox({ storage });
  send();
  outbox.refuse(1, 'reason');
  for (let counter = 2; counter <= 500; counter += 1) {
    addCell(counter % 30);
    send();
    outbox.settle([resultOf(counter, counter)], 'response');
    await store.flush();
  }
  t.match(JSON.parse(storage.values.get('outbox') ?? ''), { counter: 500, place: 2 });
  storage.calls.length = 0;
  await loadOutbox({ storage, version: 500 });
  t.ok(storage.calls.filter((call) => call.startsWith('get outbox')).length < 110);
});

t.test('entries that could not be written are written later', async (t) => {
  const storage = createFaultyStorage();
  storage.quota = 700;
  const { outbox, store, addCell, send } = await loadOutbox({ storage });
  for (let x = 1; x <= 6; x += 1) addCell(x);
  await store.flush();
  const countStored = async () => (await loadOutbox({ storage: createFaultyStorage(storage.values) })).outbox.pending;
  t.ok((await countStored()) < 6);
  send();
  outbox.settle([resultOf(1, 1)], 'response');
  await store.flush();
  storage.quota = 10_000;
  store.retry();
  await store.flush();
  t.equal(await countStored(), 5, 'those that are still needed');
  const writes = storage.calls.length;
  store.retry();
  await store.flush();
  t.equal(storage.calls.length, writes);
});

t.test('an update that is lost while the storage refuses to remove or to write is stored once', async (t) => {
  for (const calls of [/^set outbox(-copy)?$/, /^remove /]) {
    const storage = createFaultyStorage();
    const { outbox, store, addCell, send } = await loadOutbox({ storage });
    for (const x of [1, 2, 3]) addCell(x);
    send();
    outbox.settle([resultOf(1, 1)], 'response');
    await store.flush();
    storage.refused = calls;
    outbox.settle([resultOf(3, 2)], 'response');
    await store.flush();
    outbox.applied.resend(outbox.applied.shown.filter(({ entry }) => entry.counter === 3));
    await store.flush();
    const next = await loadOutbox({ storage: createFaultyStorage(storage.values), version: 1 });
    t.same(next.send(), [2, 3], String(calls));
    t.equal([...storage.values.values()].filter((text) => text.includes('"counter":3,"timestamp"')).length, 1);
    storage.refused = undefined;
    send();
    outbox.settle([resultOf(2, 3), resultOf(3, 4)], 'response');
    await store.flush();
    t.equal((await loadOutbox({ storage, version: 4 })).outbox.pending, 0, 'what was refused is removed later');
  }
});

t.test('entries with one counter', async (t) => {
  t.test('are one if their updates are equal', async (t) => {
    const storage = await createStored([1, 2]);
    storage.values.set('outbox/7', storage.values.get('outbox/1') ?? '');
    t.same((await loadOutbox({ storage })).send(), [1, 2]);
    t.notOk(storage.values.has('outbox/7'));
  });
  t.test('are one also if one of them was sent again at another time', async (t) => {
    const storage = await createStored([1, 2]);
    const text = storage.values.get('outbox/1') ?? '';
    storage.values.set('outbox/7', text.replace(/"timestamp":\d+/, '"timestamp":1700000099999'));
    t.same((await loadOutbox({ storage })).send(), [1, 2]);
  });
  t.test('get separate ones if their updates differ, by which later processes know them', async (t) => {
    const storage = await createStored([1, 2]);
    const text = storage.values.get('outbox/1') ?? '';
    storage.values.set('outbox/7', text.replace('"value":0.5', '"value":0.75'));
    const { store, send } = await loadOutbox({ storage });
    t.same(send(), [1, 2, 3]);
    await store.flush();
    t.same((await loadOutbox({ storage })).send(), [1, 2, 3]);
  });
});

t.test('an outbox of an earlier version', async (t) => {
  const toFormer = async (counters: readonly number[], change = (text: string) => text) => {
    const { values } = await createStored(counters);
    const former = createFaultyStorage();
    for (const [key, text] of values) if (/^outbox\/\d+$/.test(key)) former.values.set(key, change(text));
    former.values.set('outbox', JSON.stringify({ counter: counters.length, place: counters.length, first: 1 }));
    return former;
  };

  t.test('is taken over when a process was killed at any moment, and no update is lost or doubled', async (t) => {
    for (let calls = 0; calls <= 20; calls += 1) {
      const former = await toFormer([1, 2, 3]);
      const storage = createFaultyStorage();
      let callsLeft = calls;
      const isAlive = () => {
        callsLeft -= 1;
        return callsLeft >= 0;
      };
      const dying = (inner: Storage): Storage => ({
        get: inner.get,
        set: async (key, value) => (isAlive() ? inner.set(key, value) : undefined),
        remove: async (key) => (isAlive() ? inner.remove(key) : undefined),
      });
      const killed = await loadOutbox({ storage: dying(storage), formerStorages: [dying(former)] });
      t.equal(killed.outbox.pending, 3);
      const next = await loadOutbox({ storage, formerStorages: [former] });
      t.same(
        next.summarize(),
        [1, 2, 3].map((counter) => [counter, 'queued']),
        `after ${calls} calls`,
      );
      t.same([...former.values], []);
    }
  });

  t.test('is not taken over again after a process was killed, if its counters were used here as well', async (t) => {
    const storage = await createStored([1, 2, 3]);
    const former = await toFormer([4, 5, 6]);
    const copy = createFaultyStorage(former.values);
    t.equal((await loadOutbox({ storage, formerStorages: [former] })).outbox.pending, 6);
    t.equal((await loadOutbox({ storage, formerStorages: [copy] })).outbox.pending, 6);
  });

  t.test('stays where it is as long as there is no room', async (t) => {
    const [former, storage] = [await toFormer([1, 2, 3]), createFaultyStorage()];
    storage.quota = 300;
    const { outbox } = await loadOutbox({ storage, formerStorages: [former] });
    t.equal(outbox.pending, 3);
    t.equal(former.values.size, 4);
    storage.quota = 10_000;
    t.equal((await loadOutbox({ storage, formerStorages: [former] })).outbox.pending, 3);
    t.equal(former.values.size, 0);
  });

  t.test('is taken over from several addresses, and counters that both have used get new ones', async (t) => {
    const other = (text: string) => text.replace('"value":0.5', '"value":0.75');
    const formerStorages = [await toFormer([1, 2]), await toFormer([1, 2, 3], other)];
    const { outbox, summarize } = await loadOutbox({ formerStorages });
    t.equal(outbox.pending, 5);
    t.equal(new Set(summarize().map(([counter]) => counter)).size, 5);
  });

  t.test('is found although its head is torn', async (t) => {
    const former = await toFormer([1, 2, 3]);
    for (const [index, position] of [5000, 5001, 9000].entries()) {
      const key = `outbox/${index + 1}`;
      former.values.set(`outbox/${position}`, former.values.get(key) ?? '');
      former.values.delete(key);
    }
    former.values.set('outbox', '{"counter":9');
    t.equal((await loadOutbox({ formerStorages: [former] })).outbox.pending, 3);
  });
});
