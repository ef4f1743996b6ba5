import t from 'tap';
import { createDutyCycle } from '../../../api/admission/admission-hook.ts';

t.test('while the queue is long, it rests as soon as it has worked for two milliseconds', async (t) => {
  const rest = createDutyCycle({ isCongested: true, isOverloaded: false });
  t.equal(rest(1.5), undefined, 'not worth a timer');
  t.ok(rest(1.5) instanceof Promise, 'what was worked before counts');
  t.equal(rest(1.5), undefined, 'and has then been rested for');
});

t.test('it rests for as long as it has worked, but never for long', async (t) => {
  const rest = createDutyCycle({ isCongested: true, isOverloaded: false });
  const startedAt = performance.now();
  await rest(20);
  t.ok(performance.now() - startedAt >= 19, 'as long');
  // A timer of ten minutes would outlast the test.
  await rest(600_000);
});

t.test('it works on while the queue is short, and turns away without a rest when it is full', async (t) => {
  t.equal(createDutyCycle({ isCongested: false, isOverloaded: false })(20), undefined);
  t.equal(createDutyCycle({ isCongested: true, isOverloaded: true })(20), undefined);
  const backlog = { isCongested: true, isOverloaded: false };
  const rest = createDutyCycle(backlog);
  rest(1.5);
  backlog.isCongested = false;
  rest(1.5);
  backlog.isCongested = true;
  t.equal(rest(1.5), undefined, 'work for a short queue is forgotten');
});
