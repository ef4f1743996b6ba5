import t from 'tap';
import { FairAdmissionQueue } from '../../../api/admission/fair-admission-queue.ts';

const microtasks = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));
/** A whole turn of the event loop. */
const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

t.test('a rush is let in a few at a time, in order', async (t) => {
  const turns = new FairAdmissionQueue({ pause: () => undefined, maxWaitMs: 60_000 });
  const seen: number[] = [];
  const enter = async (one: number) => {
    t.ok(await turns.acquire());
    seen.push(one);
  };
  const all = Promise.all([1, 2, 3, 4, 5].map(enter));
  await microtasks();
  t.same(seen, [1, 2], 'at once');
  for (let turn = 0; seen.length < 5; turn++) {
    t.ok(turn < 5, 'a few with each turn');
    const before = seen.length;
    await nextTick();
    await microtasks();
    t.ok(seen.length - before <= 2);
  }
  await all;
  t.same(seen, [1, 2, 3, 4, 5]);
});

t.test('who comes alone goes at once, however often', async (t) => {
  const turns = new FairAdmissionQueue({ pause: () => undefined, maxWaitMs: 60_000 });
  for (let round = 0; round < 3; round++) {
    let isIn = false;
    void turns.acquire().then(() => {
      isIn = true;
    });
    await microtasks();
    t.ok(isIn);
    await nextTick();
    await nextTick();
  }
});

t.test('after a rest the next are let in, and nobody sooner', async (t) => {
  let wake: (() => void) | undefined;
  const rests: number[] = [];
  const pause = (tookMs: number) => {
    rests.push(tookMs);
    return new Promise<void>((resolve) => {
      wake = resolve;
    });
  };
  const turns = new FairAdmissionQueue({ pause, maxWaitMs: 60_000 });
  let seen = 0;
  const enter = () =>
    turns.acquire().then(() => {
      seen += 1;
    });
  const all = Promise.all([1, 2, 3].map(enter));
  for (let turn = 0; turn < 5; turn++) await nextTick();
  t.equal(seen, 2);
  t.equal(rests.length, 1);
  t.ok(rests[0] !== undefined && rests[0] >= 0, 'told how long the turn took');
  wake?.();
  await all;
  t.equal(seen, 3);
});

t.test('who has waited too long is told so, in order and a few at a time', async (t) => {
  const turns = new FairAdmissionQueue({ pause: () => undefined, maxWaitMs: -1 });
  const calls = Array.from({ length: 30 }, () => turns.acquire());
  const answers = await Promise.all(calls);
  t.same(answers.slice(0, 2), [true, true], 'these had not waited');
  t.equal(answers.indexOf(false), 2);
  t.equal(answers[2 + 8], true, 'and others are let in between');
});
