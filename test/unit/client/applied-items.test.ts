/** What happens to own updates after the server has applied them: until its state has them, and when it loses them. */
import t from 'tap';
import { memoryStorage } from '../../../client/storage/memory-storage.ts';
import type { Storage } from '../../../client/storage/storage.ts';
import { cursorAt, loadOutbox, resultOf } from './support/load-outbox.ts';

/** An outbox whose updates up to this counter were applied at the versions of their counters. */
async function loadApplied(count: number, storage: Storage = memoryStorage()) {
  const loaded = await loadOutbox({ storage });
  const results = Array.from({ length: count }, (_, index) => resultOf(index + 1, index + 1));
  for (const { counter } of results) loaded.addCell(counter);
  loaded.send();
  loaded.outbox.settle(results, 'response');
  return { ...loaded, results };
}

t.test('an applied update is shown until a delta names it', async (t) => {
  const { outbox, store, results, summarize } = await loadApplied(2);
  t.equal(outbox.uncontained.length, 2, 'the state is still at version 0');
  t.same(
    outbox.applied.shown.map(({ proof }) => proof),
    [cursorAt(1), cursorAt(2)],
  );
  outbox.applied.followDelta(0, 1, results.slice(0, 1));
  t.same(summarize(), [[2, 'applied']]);
  t.notOk(outbox.applied.followDelta(1, 2, results));
  t.same(summarize(), []);
  t.equal(store.kept.length, 2);
});

t.test('an applied update that a delta should name and does not is pending again', async (t) => {
  const { outbox, summarize, send, changes } = await loadApplied(3);
  const others = [resultOf(1, 1)];
  t.ok(outbox.applied.followDelta(0, 2, others), 'version 2 belongs to another update');
  t.same(summarize(), [
    [2, 'queued'],
    [3, 'applied'],
  ]);
  t.match(changes.at(-1), { counter: 2, status: 'queued', outcome: undefined, version: undefined });
  t.same(send(), [2]);
  outbox.settle([resultOf(2, 7, 'applied', 'b')], 'response');
  t.match(outbox.entries, [{ counter: 2, status: 'applied', version: 7 }, { counter: 3 }]);
});

t.test('a state confirms the updates up to its version, or those of which the log has the cursors', async (t) => {
  const { outbox, addCell, send, summarize } = await loadApplied(1);
  addCell(2);
  send();
  outbox.settle([resultOf(2, 2, 'applied', 'b')], 'response');
  outbox.applied.confirm(2, new Set([cursorAt(2, 'b')]));
  t.same(summarize(), [[1, 'applied']]);
  outbox.applied.confirm(0);
  t.same(summarize(), [[1, 'applied']]);
  outbox.applied.confirm(1);
  t.same(summarize(), []);
});

t.test('lost updates are sent again with their counters and contents, before newer ones', async (t) => {
  const { outbox, addCell, send, results, store, storage } = await loadApplied(3);
  const before = outbox.entries.map(({ update }) => update);
  outbox.applied.followDelta(0, 3, results);
  addCell(4);
  t.equal(outbox.applied.resendAll(), 3);
  t.equal(store.kept.length, 0);
  const batch = outbox.nextBatch(500, Number.POSITIVE_INFINITY);
  t.same(batch.slice(0, 3), before);
  t.same(
    batch.map(({ counter }) => counter),
    [1, 2, 3, 4],
  );
  t.ok(outbox.needsResults(batch.slice(0, 1)), 'a delta names only a counter');
  await store.flush();

  const next = await loadOutbox({ storage });
  t.same(next.send(), [1, 2, 3, 4], 'a process that ends before they are applied leaves them to the next one');
  next.outbox.settle([resultOf(1, 9, 'duplicate'), resultOf(2, 10), resultOf(3, 11)], 'response');
  t.same(outbox.entries.length, 4);
  t.same(next.summarize(), [
    [1, 'applied'],
    [2, 'applied'],
    [3, 'applied'],
    [4, 'queued'],
  ]);
  t.ok(send().length > 0);
});

t.test('applied updates survive a restart, and those beyond the stored state are shown', async (t) => {
  const { outbox, results, store, storage } = await loadApplied(3);
  outbox.applied.followDelta(0, 3, results);
  await store.flush();
  const next = await loadOutbox({ storage, version: 2 });
  t.match(next.outbox.entries, [{ counter: 3, status: 'applied', version: 3, update: { cells: [{ x: 3 }] } }]);
  t.equal(next.outbox.pending, 0);
  t.same(
    next.outbox.applied.shown.map(({ proof }) => proof),
    [cursorAt(3)],
  );
  t.equal(next.outbox.applied.resendAll(), 3);
  const original = outbox.nextBatch(500, 1);
  t.same(original, [], 'nothing is due in the first process');
  t.same(
    next.outbox.nextBatch(500, Number.POSITIVE_INFINITY).map(({ counter, timestamp }) => [counter, timestamp]),
    [1, 2, 3].map((counter) => [counter, 1_700_000_100_000 + counter - 1]),
    'with the timestamps that they were applied with',
  );
});

/** A storage that is no longer changed after some more writes, as if the process had been killed. */
function withDeath(storage: Storage) {
  let writesLeft = Number.POSITIVE_INFINITY;
  const isAlive = () => {
    writesLeft -= 1;
    return writesLeft >= 0;
  };
  const dying: Storage = {
    get: storage.get,
    set: async (key, value) => (isAlive() ? storage.set(key, value) : undefined),
    remove: async (key) => (isAlive() ? storage.remove(key) : undefined),
  };
  const dieAfter = (writes: number) => {
    writesLeft = writes;
  };
  return { dying, dieAfter };
}

t.test('a process that is killed while it stores a result leaves the update once, pending or kept', async (t) => {
  for (const [writes, expected] of [
    [0, 'queued'],
    [1, 'queued'],
    [2, 'queued'],
    [3, 'queued'],
    [4, 'queued'],
    [5, 'applied'],
  ] as const) {
    const storage = memoryStorage();
    const { dying, dieAfter } = withDeath(storage);
    const { outbox, store, addCell, send } = await loadOutbox({ storage: dying });
    addCell(1);
    send();
    await store.flush();
    dieAfter(writes);
    outbox.settle([resultOf(1, 1)], 'response');
    await store.flush();
    const next = await loadOutbox({ storage });
    t.same(next.summarize(), [[1, expected]], `after ${writes} writes`);
    t.equal(next.store.kept.length > 0, expected === 'applied');
  }
});

t.test('a process that is killed while it makes lost updates pending loses none', async (t) => {
  for (let writes = 0; writes <= 8; writes += 1) {
    const storage = memoryStorage();
    const { dying, dieAfter } = withDeath(storage);
    const { outbox, store } = await loadApplied(3, dying);
    await store.flush();
    dieAfter(writes);
    outbox.applied.resendAll();
    await store.flush();
    const next = await loadOutbox({ storage });
    t.same(
      next.summarize().map(([counter]) => counter),
      [1, 2, 3],
      `after ${writes} writes`,
    );
  }
});

t.test('what another account has made waits for it when the server loses it', async (t) => {
  for (const device of ['d', 'device-of-bob']) {
    const storage = memoryStorage();
    const { outbox, store, identity, addCell, send, summarize, setAside } = await loadOutbox({
      storage,
      account: 'alice',
    });
    addCell(1);
    send();
    outbox.settle([resultOf(1, 1)], 'response');
    outbox.applied.confirm(1);
    Object.assign(identity, { device, account: 'bob' });
    outbox.separateAccounts();
    outbox.applied.resendAll();
    t.same([summarize(), setAside], [[], [1]], `as ${device}`);
    outbox.claim();
    Object.assign(identity, { device: 'd', account: 'alice' });
    outbox.separateAccounts();
    t.same(summarize(), [[1, 'queued']]);
    await store.flush();
    const later = await loadOutbox({ storage, account: 'alice' });
    t.same(later.send(), [1], 'also after a restart');
  }
});

t.test('updates that were applied as another device are not sent again', async (t) => {
  const { outbox, results, store, storage } = await loadApplied(1);
  outbox.applied.followDelta(0, 1, results);
  await store.flush();
  const next = await loadOutbox({ storage, device: 'another' });
  t.equal(next.outbox.applied.resendAll(), 0);
  t.same(next.outbox.entries, []);
});
