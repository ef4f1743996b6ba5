import { setImmediate as nextTick } from 'node:timers/promises';
import t from 'tap';
import { SingleFlight } from '../../../api/state/single-flight.ts';

t.test('concurrent callers share an operation that starts after their calls, so that no result is stale', async (t) => {
  const operations: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  const reads = new SingleFlight<string, number>(
    () => new Promise((resolve, reject) => operations.push({ resolve, reject })),
  );
  const [first, same] = [reads.run('a'), reads.run('a')];
  const other = reads.run('b');
  await nextTick();
  t.equal(operations.length, 2, 'the callers of one tick share one operation per key');
  const second = reads.run('a');
  await nextTick();
  const third = reads.run('a');
  t.equal(operations.length, 2, 'no operation starts while one is in flight');
  operations[0]?.resolve(1);
  t.same(await Promise.all([first, same]), [1, 1]);
  const last = reads.run('a');
  operations[1]?.resolve(10);
  t.equal(await other, 10);
  t.equal(operations.length, 2, 'callers of the tick in which an operation ends share the next one');
  await nextTick();
  t.equal(operations.length, 3);
  operations[2]?.resolve(2);
  t.same(await Promise.all([second, third, last]), [2, 2, 2]);
});

t.test('a failed operation rejects only for the callers that share it', async (t) => {
  let count = 0;
  let fail: (error: Error) => void = () => undefined;
  const reads = new SingleFlight<string, number>(async () => {
    count += 1;
    if (count > 1) return count;
    return new Promise((_, reject) => {
      fail = reject;
    });
  });
  const first = reads.run('a');
  await nextTick();
  const second = reads.run('a');
  fail(new Error('once'));
  await t.rejects(first, { message: 'once' });
  t.equal(await second, 2);
  t.equal(await reads.run('a'), 3);
});
