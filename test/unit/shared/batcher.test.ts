import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { Batcher } from '../../../shared/queue/batcher.ts';
import { waitUntil } from '../../support/wait-until.ts';

/** A gatherer of numbers whose work ends when the test says so. */
function createTestBatcher(limits: {
  maxItems: number;
  maxBytes: number;
  minIntervalMs?: number;
  maxIntervalMs?: number;
}) {
  const rounds: { items: readonly number[]; end: (error?: Error) => void }[] = [];
  const gatherer = new Batcher<number, string>({
    process: (items) =>
      new Promise((resolve, reject) => {
        rounds.push({ items, end: (error) => (error ? reject(error) : resolve(items.join('+'))) });
      }),
    estimateBytes: (item) => item,
    minIntervalMs: 0,
    maxIntervalMs: limits.minIntervalMs ?? 0,
    ...limits,
  });
  const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
  return { gatherer, rounds, nextTurn };
}

t.test('who comes alone goes at once, and who comes meanwhile goes together', async (t) => {
  const { gatherer, rounds, nextTurn } = createTestBatcher({ maxItems: 10, maxBytes: 100 });
  const answers = [1, 2, 3].map((item) => gatherer.add(item));
  t.same(rounds[0]?.items, [1]);
  rounds[0]?.end();
  await nextTurn();
  t.same(rounds[1]?.items, [2, 3]);
  rounds[1]?.end();
  t.same(await Promise.all(answers), ['1', '2+3', '2+3']);
  const late = gatherer.add(4);
  t.same(rounds[2]?.items, [4], 'and the next one goes at once again');
  rounds[2]?.end();
  t.equal(await late, '4');
});

t.test('what goes together is bounded in number and in weight, and stays in order', async (t) => {
  const { gatherer, rounds, nextTurn } = createTestBatcher({ maxItems: 3, maxBytes: 10 });
  for (const item of [1, 1, 2, 3, 4, 9, 50, 1]) void gatherer.add(item);
  for (let round = 0; round < 6; round++) {
    rounds[round]?.end();
    await nextTurn();
  }
  t.same(
    rounds.map(({ items }) => items),
    [[1], [1, 2, 3], [4], [9], [50], [1]],
  );
});

t.test('a failure reaches those who went together, and nobody else', async (t) => {
  const { gatherer, rounds, nextTurn } = createTestBatcher({ maxItems: 2, maxBytes: 100 });
  const answers = Promise.allSettled([1, 2, 3, 4].map((item) => gatherer.add(item)));
  rounds[0]?.end();
  await nextTurn();
  rounds[1]?.end(new Error('away'));
  await nextTurn();
  rounds[2]?.end();
  t.same(
    (await answers).map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
  );
});

t.test('who comes soon after another waits a moment for more to come', async (t) => {
  const { gatherer, rounds, nextTurn } = createTestBatcher({ maxItems: 10, maxBytes: 100, minIntervalMs: 100 });
  const first = gatherer.add(1);
  rounds[0]?.end();
  await first;
  const answers = [gatherer.add(2)];
  await nextTurn();
  answers.push(gatherer.add(3));
  await waitUntil('the next round', async () => rounds.length === 2);
  t.same(rounds[1]?.items, [2, 3]);
  rounds[1]?.end();
  t.same(await Promise.all(answers), ['2+3', '2+3']);
});

t.test('work that takes long is done less often', async (t) => {
  const starts: number[] = [];
  const gatherer = new Batcher<number, void>({
    process: async () => {
      starts.push(performance.now());
      await delay(10);
    },
    estimateBytes: () => 1,
    maxBytes: 1,
    maxItems: 1,
    minIntervalMs: 0,
    maxIntervalMs: 1000,
  });
  await Promise.all(Array.from({ length: 20 }, (_, item) => gatherer.add(item)));
  const [before = 0, last = 0] = starts.slice(-2);
  t.ok(last - before >= 20, 'the pause has grown to twice what the work takes');
});

t.test('many are told a few in each turn of the event loop, in order, of an answer as of a failure', async (t) => {
  for (const error of [undefined, new Error('away')]) {
    const { gatherer, rounds, nextTurn } = createTestBatcher({ maxItems: 100, maxBytes: 1000 });
    const told: number[] = [];
    const tell = (item: number) => void told.push(item);
    const items = Array.from({ length: 21 }, (_, index) => index);
    const all = items.map((item) =>
      gatherer.add(item).then(
        () => tell(item),
        () => tell(item),
      ),
    );
    rounds[0]?.end();
    await nextTurn();
    t.same(told, [0]);
    rounds[1]?.end(error);
    for (let turn = 1; told.length < items.length; turn++) {
      const before = told.length;
      await nextTurn();
      t.ok(told.length - before <= 8, `${told.length - before} at once`);
      t.ok(turn < 10);
    }
    await Promise.all(all);
    t.same(told, items);
  }
});
