import t from 'tap';
import { FairAdmissionQueue } from '../../../api/admission/fair-admission-queue.ts';

const microtasks = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));
/** A whole tick of the event loop. */
const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

t.test('a burst is admitted a few per tick, in order of arrival', async (t) => {
  const queue = new FairAdmissionQueue({ pause: () => undefined, maxWaitMs: 60_000 });
  const seen: number[] = [];
  const acquire = async (caller: number) => {
    t.ok(await queue.acquire());
    seen.push(caller);
  };
  const all = Promise.all([1, 2, 3, 4, 5].map(acquire));
  await microtasks();
  t.same(seen, [1, 2], 'at once');
  for (let tick = 0; seen.length < 5; tick++) {
    t.ok(tick < 5, 'some in each tick');
    const before = seen.length;
    await nextTick();
    await microtasks();
    t.ok(seen.length - before <= 2);
  }
  await all;
  t.same(seen, [1, 2, 3, 4, 5]);
});

t.test('a single caller is admitted at once, again and again', async (t) => {
  const queue = new FairAdmissionQueue({ pause: () => undefined, maxWaitMs: 60_000 });
  for (let round = 0; round < 3; round++) {
    let isAdmitted = false;
    void queue.acquire().then(() => {
      isAdmitted = true;
    });
    await microtasks();
    t.ok(isAdmitted);
    await nextTick();
    await nextTick();
  }
});

t.test('the next callers are admitted after the pause, and not before', async (t) => {
  let endPause: (() => void) | undefined;
  const elapsed: number[] = [];
  const pause = (elapsedMs: number) => {
    elapsed.push(elapsedMs);
    return new Promise<void>((resolve) => {
      endPause = resolve;
    });
  };
  const queue = new FairAdmissionQueue({ pause, maxWaitMs: 60_000 });
  let seen = 0;
  const acquire = () =>
    queue.acquire().then(() => {
      seen += 1;
    });
  const all = Promise.all([1, 2, 3].map(acquire));
  for (let tick = 0; tick < 5; tick++) await nextTick();
  t.equal(seen, 2);
  t.equal(elapsed.length, 1);
  t.ok(elapsed[0] !== undefined && elapsed[0] >= 0, 'the pause gets the duration of the tick');
  endPause?.();
  await all;
  t.equal(seen, 3);
});

t.test('callers that have waited too long are refused, in order and a few per tick', async (t) => {
  const queue = new FairAdmissionQueue({ pause: () => undefined, maxWaitMs: -1 });
  const calls = Array.from({ length: 30 }, () => queue.acquire());
  const results = await Promise.all(calls);
  t.same(results.slice(0, 2), [true, true], 'the first did not have to wait');
  t.equal(results.indexOf(false), 2);
  t.equal(results[2 + 8], true, 'and others are admitted in between');
});
