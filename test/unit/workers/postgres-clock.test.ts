import t from 'tap';
import { PostgresClock } from '../../../db/read/postgres-clock.ts';

/** A clock over a monotonic time that the test sets, and a statement that is executed at one time and answered at another. */
function createClock() {
  let time = 1000;
  const clock = new PostgresClock(() => time);
  return {
    clock,
    advance(ms: number) {
      time += ms;
    },
    /** @param now what PostgreSQL's clock says when the statement is executed */
    answer: (now: number, answerTakesMs = 0) =>
      clock.observe(async () => {
        time += answerTakesMs;
        return { now };
      }),
  };
}

t.test('the time between statements is estimated with the monotonic clock', async (t) => {
  const { clock, advance, answer } = createClock();
  t.throws(() => clock.now());
  await answer(50_000);
  advance(700);
  t.equal(clock.now(), 50_700);
});

t.test('a slow answer does not set the estimate back, and a quicker one than before improves it', async (t) => {
  const { clock, answer } = createClock();
  await answer(50_000, 400);
  t.equal(clock.now(), 50_000, 'behind by 400 ms');
  await answer(50_400);
  t.equal(clock.now(), 50_400);
  await answer(50_400, 3000);
  t.equal(clock.now(), 53_400);
});

t.test("the estimate follows PostgreSQL's clock when that is set", async (t) => {
  const { clock, answer } = createClock();
  await answer(50_000);
  await answer(40_000, 10);
  t.equal(clock.now(), 40_000);
  await answer(90_000, 10);
  t.equal(clock.now(), 90_000);
});
