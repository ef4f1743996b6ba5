import t from 'tap';
import { createRest } from '../../../api/admission/admission-hook.ts';

t.test('while the queue is long, it rests as soon as it has worked for two milliseconds', async (t) => {
  const rest = createRest({ isLong: true, isFull: false });
  t.equal(rest(1.5), undefined, 'not worth a timer');
  t.ok(rest(1.5) instanceof Promise, 'what was worked before counts');
  t.equal(rest(1.5), undefined, 'and has then been rested for');
});

t.test('it rests for as long as it has worked, but never for long', async (t) => {
  const rest = createRest({ isLong: true, isFull: false });
  const startedAt = performance.now();
  await rest(20);
  t.ok(performance.now() - startedAt >= 19, 'as long');
  // A timer of ten minutes would outlast the test.
  await rest(600_000);
});

t.test('it works on while the queue is short, and turns away without a rest when it is full', async (t) => {
  t.equal(createRest({ isLong: false, isFull: false })(20), undefined);
  t.equal(createRest({ isLong: true, isFull: true })(20), undefined);
  const backlog = { isLong: true, isFull: false };
  const rest = createRest(backlog);
  rest(1.5);
  backlog.isLong = false;
  rest(1.5);
  backlog.isLong = true;
  t.equal(rest(1.5), undefined, 'work for a short queue is forgotten');
});
