import t from 'tap';
import { createDutyCycle } from '../../../api/admission/admission-hook.ts';

t.test('while the queue is congested, admission pauses after two milliseconds of work', async (t) => {
  const pause = createDutyCycle({ isCongested: true, isOverloaded: false });
  t.equal(pause(1.5), undefined, 'too short for a timer');
  t.ok(pause(1.5) instanceof Promise, 'earlier work counts');
  t.equal(pause(1.5), undefined, 'and is reset by the pause');
});

t.test('a pause lasts as long as the work before it, up to a maximum', async (t) => {
  const pause = createDutyCycle({ isCongested: true, isOverloaded: false });
  const startedAt = performance.now();
  await pause(20);
  t.ok(performance.now() - startedAt >= 19, 'as long as the work');
  // Without a maximum this would take ten minutes.
  await pause(600_000);
});

t.test('there is no pause while the queue is short, nor while it is full and everything is refused', async (t) => {
  t.equal(createDutyCycle({ isCongested: false, isOverloaded: false })(20), undefined);
  t.equal(createDutyCycle({ isCongested: true, isOverloaded: true })(20), undefined);
  const admission = { isCongested: true, isOverloaded: false };
  const pause = createDutyCycle(admission);
  pause(1.5);
  admission.isCongested = false;
  pause(1.5);
  admission.isCongested = true;
  t.equal(pause(1.5), undefined, 'work while the queue was short does not count');
});
