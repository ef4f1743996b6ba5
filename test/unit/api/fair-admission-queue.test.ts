import t from 'tap';
import { FairAdmissionQueue } from '../../../api/admission/fair-admission-queue.ts';

const flushMicrotasks = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));
const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

t.test('a burst is admitted a few per tick, in order of arrival', async (t) => {
  const queue = new FairAdmissionQueue({ pause: () => undefined, maxWaitMs: 60_000 });
  const admitted: number[] = [];
  const acquire = async (caller: number) => {
    t.ok(await queue.acquire());
    admitted.push(caller);
  };
  const all = Promise.all([1, 2, 3, 4, 5].map(acquire));
  await flushMicrotasks();
  t.same(admitted, [1, 2], 'two callers are admitted at once');
  for (let tick = 0; admitted.length < 5; tick++) {
    t.ok(tick < 5, 'each tick admits some callers');
    const before = admitted.length;
    await nextTick();
    await flushMicrotasks();
    t.ok(admitted.length - before <= 2);
  }
  await all;
  t.same(admitted, [1, 2, 3, 4, 5]);
});

t.test('a single caller is admitted at once every time', async (t) => {
  const queue = new FairAdmissionQueue({ pause: () => undefined, maxWaitMs: 60_000 });
  for (let round = 0; round < 3; round++) {
    let isAdmitted = false;
    void queue.acquire().then(() => {
      isAdmitted = true;
    });
    await flushMicrotasks();
    t.ok(isAdmitted);
    await nextTick();
    await nextTick();
  }
});

t.test('the next callers are admitted only after the pause', async (t) => {
  let endPause: (() => void) | undefined;
  const elapsed: number[] = [];
  const pause = (elapsedMs: number) => {
    elapsed.push(elapsedMs);
    return new Promise<void>((resolve) => {
      endPause = resolve;
    });
  };
  const queue = new FairAdmissionQueue({ pause, maxWaitMs: 60_000 });
  let admitted = 0;
  const acquire = () =>
    queue.acquire().then(() => {
      admitted += 1;
    });
  const all = Promise.all([1, 2, 3].map(acquire));
  for (let tick = 0; tick < 5; tick++) await nextTick();
  t.equal(admitted, 2);
  t.equal(elapsed.length, 1);
  t.ok(elapsed[0] !== undefined && elapsed[0] >= 0, 'the pause receives the duration of the tick');
  endPause?.();
  await all;
  t.equal(admitted, 3);
});

t.test('callers that have waited too long are refused in order, a few per tick', async (t) => {
  const queue = new FairAdmissionQueue({ pause: () => undefined, maxWaitMs: -1 });
  const calls = Array.from({ length: 30 }, () => queue.acquire());
  const results = await Promise.all(calls);
  t.same(results.slice(0, 2), [true, true], 'the first two callers do not wait');
  t.equal(results.indexOf(false), 2);
  t.equal(results[2 + 8], true, 'callers are admitted in the next tick');
});
