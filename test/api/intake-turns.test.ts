import t from 'tap';
import { IntakeTurns } from '../../api/intake-turns.ts';

const microtasks = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));
/** A whole turn of the event loop. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

t.test('a rush is let in a few at a time, in order', async (t) => {
  const turns = new IntakeTurns();
  const seen: number[] = [];
  const enter = async (one: number) => {
    await turns.take();
    seen.push(one);
  };
  const all = Promise.all([1, 2, 3, 4, 5].map(enter));
  await microtasks();
  t.same(seen, [1, 2], 'at once');
  for (let turn = 0; seen.length < 5; turn++) {
    t.ok(turn < 5, 'a few with each turn');
    const before = seen.length;
    await nextTurn();
    await microtasks();
    t.ok(seen.length - before <= 2);
  }
  await all;
  t.same(seen, [1, 2, 3, 4, 5]);
});

t.test('who comes alone goes at once, however often', async (t) => {
  const turns = new IntakeTurns();
  for (let round = 0; round < 3; round++) {
    let isIn = false;
    void turns.take().then(() => {
      isIn = true;
    });
    await microtasks();
    t.ok(isIn);
    await nextTurn();
    await nextTurn();
  }
});
