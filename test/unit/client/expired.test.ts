/** Updates whose counters are behind the retention: whether they are settled depends on whether they may have been sent. */
import t from 'tap';
import { memoryStorage } from '../../../client/storage/memory-storage.ts';
import type { Storage } from '../../../client/storage/storage.ts';
import { loadOutbox, resultOf } from './support/load-outbox.ts';

const expired = (counter: number) => resultOf(counter, 50, 'expired');

t.test('an update whose only request comes back as expired is numbered anew, with those queued after it', async (t) => {
  const { outbox, addCell, send, summarize } = await loadOutbox();
  addCell(1);
  send();
  addCell(2);
  t.ok(outbox.settle([expired(1)], 'response'), 'the counter of the server has to be read');
  t.same(summarize(), [
    [3, 'queued'],
    [4, 'queued'],
  ]);
});

t.test('an accepted update that a delta reports as expired is numbered anew if it was sent once', async (t) => {
  const { outbox, addCell, send, summarize } = await loadOutbox();
  for (const x of [1, 2]) addCell(x);
  send();
  outbox.markAccepted([1, 2]);
  outbox.settle([expired(1)], 'delta');
  t.same(summarize(), [
    [2, 'accepted'],
    [3, 'queued'],
  ]);
});

t.test(
  'an update that was sent twice and comes back as expired is settled, and kept in case a restore loses it',
  async (t) => {
    const { outbox, store, addCell, send, summarize, changes } = await loadOutbox();
    addCell(1);
    send();
    t.same(send(), [1], 'the first request was not answered');
    t.notOk(outbox.settle([expired(1)], 'response'));
    t.same(summarize(), []);
    t.match(changes.at(-1), { counter: 1, status: 'applied', outcome: 'expired' });
    t.ok(store.kept.length > 0);
  },
);

t.test('a process knows which stored updates an earlier one may have sent', async (t) => {
  const { outbox, store, storage, addCell } = await loadOutbox();
  for (const x of [1, 2, 3]) addCell(x);
  outbox.nextBatch(2, Number.POSITIVE_INFINITY);
  await store.flush();

  const next = await loadOutbox({ storage });
  t.same(next.send(), [1, 2, 3]);
  next.outbox.settle([expired(1), expired(2), expired(3)], 'response');
  t.same(next.summarize(), [[4, 'queued']], 'the third was surely not sent');
  t.match(next.outbox.entries, [{ update: { cells: [{ x: 3 }] } }]);
});

t.test('an update that was never sent, of a storage that was copied, is settled once it was sent twice', async (t) => {
  const { store, storage, addCell } = await loadOutbox();
  addCell(1);
  await store.flush();
  const next = await loadOutbox({ storage });
  next.send();
  next.send();
  next.outbox.settle([expired(1)], 'response');
  t.same(next.summarize(), []);
});

t.test('all updates that version 0.1.0 has stored may have been sent', async (t) => {
  const storage = memoryStorage();
  const update = '{"kind":"event","type":"harmony","counter":1,"timestamp":1700000000003,"seen":4}';
  await storage.set('outbox/1', `{"place":1,"update":${update},"wall":1700000000002,"above":0}`);
  const { outbox, send, summarize } = await loadOutbox({ storage });
  send();
  outbox.settle([expired(1)], 'response');
  t.same(summarize(), []);
});

t.test('a request costs one write of what may have been sent, before it is sent', async (t) => {
  const heads: string[] = [];
  const storage = memoryStorage();
  const observed: Storage = {
    ...storage,
    set: async (key, value) => {
      if (key === 'outbox') heads.push(value);
      await storage.set(key, value);
    },
  };
  const { store, addCell, send } = await loadOutbox({ storage: observed });
  for (let x = 0; x < 20; x += 1) addCell(x);
  await store.flush();
  const before = heads.length;
  t.ok(before <= 1, 'only the first entry of a storage writes it');
  send();
  await store.flush();
  t.equal(heads.length - before, 1);
  t.match(heads.at(-1), /"sent":20/);
  send();
  await store.flush();
  t.equal(heads.length - before, 1, 'sending again writes nothing');
});
