import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { Batcher } from '../../../shared/queue/batcher.ts';
import { waitUntil } from '../../support/wait-until.ts';

/** A batcher of numbers whose batches stay in progress until the test ends them. */
function createTestBatcher(limits: {
  maxItems: number;
  maxBytes: number;
  maxIntervalMs?: number;
  readLoad?: () => number;
}) {
  const batches: { items: readonly number[]; end: (error?: Error) => void }[] = [];
  const batcher = new Batcher<number, string>({
    process: (items) =>
      new Promise((resolve, reject) => {
        batches.push({ items, end: (error) => (error ? reject(error) : resolve(items.join('+'))) });
      }),
    estimateBytes: (item) => item,
    maxIntervalMs: 0,
    readLoad: () => 0,
    ...limits,
  });
  const nextTick = () => new Promise((resolve) => setImmediate(resolve));
  return { batcher, batches, nextTick };
}

t.test('a single item is processed at once, and items that arrive meanwhile form the next batch', async (t) => {
  const { batcher, batches, nextTick } = createTestBatcher({ maxItems: 10, maxBytes: 100 });
  const results = [1, 2, 3].map((item) => batcher.add(item));
  t.same(batches[0]?.items, [1]);
  batches[0]?.end();
  await nextTick();
  t.same(batches[1]?.items, [2, 3]);
  batches[1]?.end();
  t.same(await Promise.all(results), ['1', '2+3', '2+3']);
  const next = batcher.add(4);
  t.same(batches[2]?.items, [4], 'the next item is processed at once again');
  batches[2]?.end();
  t.equal(await next, '4');
});

t.test('a batch is bounded in items and in bytes, and items keep their order', async (t) => {
  const { batcher, batches, nextTick } = createTestBatcher({ maxItems: 3, maxBytes: 10 });
  for (const item of [1, 1, 2, 3, 4, 9, 50, 1]) void batcher.add(item);
  for (let index = 0; index < 6; index++) {
    batches[index]?.end();
    await nextTick();
  }
  t.same(
    batches.map(({ items }) => items),
    [[1], [1, 2, 3], [4], [9], [50], [1]],
  );
});

t.test('a failed batch rejects the items of that batch and no others', async (t) => {
  const { batcher, batches, nextTick } = createTestBatcher({ maxItems: 2, maxBytes: 100 });
  const results = Promise.allSettled([1, 2, 3, 4].map((item) => batcher.add(item)));
  batches[0]?.end();
  await nextTick();
  batches[1]?.end(new Error('unavailable'));
  await nextTick();
  batches[2]?.end();
  t.same(
    (await results).map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
  );
});

t.test('while the process is busy, items wait for the interval, together with later ones', async (t) => {
  let load = 1;
  const { batcher, batches, nextTick } = createTestBatcher({
    maxItems: 10,
    maxBytes: 100,
    maxIntervalMs: 100,
    readLoad: () => load,
  });
  const first = batcher.add(1);
  batches[0]?.end();
  await first;
  const results = [batcher.add(2)];
  await nextTick();
  results.push(batcher.add(3));
  await waitUntil('the next batch starts', async () => batches.length === 2);
  t.same(batches[1]?.items, [2, 3]);
  batches[1]?.end();
  t.same(await Promise.all(results), ['2+3', '2+3']);
  load = 0.5;
  void batcher.add(4);
  t.same(batches[2]?.items, [4], 'with time to spare nothing waits');
});

t.test('the interval between batches grows with the time that a batch takes', async (t) => {
  const starts: number[] = [];
  const batcher = new Batcher<number, void>({
    process: async () => {
      starts.push(performance.now());
      await delay(10);
    },
    estimateBytes: () => 1,
    maxBytes: 1,
    maxItems: 1,
    readLoad: () => 0,
    maxIntervalMs: 1000,
  });
  await Promise.all(Array.from({ length: 20 }, (_, item) => batcher.add(item)));
  const [before = 0, last = 0] = starts.slice(-2);
  t.ok(last - before >= 20, 'the pause between batches is at least twice the duration of a batch');
});

t.test('the promises of a large batch are settled in order, a few per tick of the event loop', async (t) => {
  for (const error of [undefined, new Error('unavailable')]) {
    const { batcher, batches, nextTick } = createTestBatcher({ maxItems: 100, maxBytes: 1000 });
    const settled: number[] = [];
    const recordSettled = (item: number) => void settled.push(item);
    const items = Array.from({ length: 21 }, (_, index) => index);
    const all = items.map((item) =>
      batcher.add(item).then(
        () => recordSettled(item),
        () => recordSettled(item),
      ),
    );
    batches[0]?.end();
    await nextTick();
    t.same(settled, [0]);
    batches[1]?.end(error);
    for (let tick = 1; settled.length < items.length; tick++) {
      const before = settled.length;
      await nextTick();
      t.ok(settled.length - before <= 8, `${settled.length - before} in one tick`);
      t.ok(tick < 10);
    }
    await Promise.all(all);
    t.same(settled, items);
  }
});
