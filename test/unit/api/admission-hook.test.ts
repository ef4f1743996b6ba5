import type { FastifyRequest } from 'fastify';
import t from 'tap';
import { createAdmissionHook, createDutyCycle } from '../../../api/admission/admission-hook.ts';

t.test('a body is counted as it is declared, and never above the limit of its route', async (t) => {
  const counted: number[] = [];
  const inFlight = { reserve: (_request: unknown, bytes: number) => counted.push(bytes) };
  const admission = { isCongested: false, isOverloaded: false, assertCapacity: () => undefined, inFlight };
  const admit = createAdmissionHook(admission as never, 1000);
  for (const headers of [{ 'content-length': '10' }, { 'content-length': '5000' }, {}])
    await admit({ headers } as FastifyRequest);
  t.same(counted, [10, 1000, 1000]);
});

t.test('admission pauses after two milliseconds of work while the queue is congested', async (t) => {
  const pause = createDutyCycle({ isCongested: true, isOverloaded: false });
  t.equal(pause(1.5), undefined, 'the work is too short for a pause');
  t.ok(pause(1.5) instanceof Promise, 'earlier work is added');
  t.equal(pause(1.5), undefined, 'the pause resets the work');
});

t.test('a pause lasts as long as the preceding work, up to a maximum', async (t) => {
  const pause = createDutyCycle({ isCongested: true, isOverloaded: false });
  const startedAt = performance.now();
  await pause(20);
  t.ok(performance.now() - startedAt >= 19, 'the pause is as long as the work');
  // Without a maximum, this pause would take ten minutes.
  await pause(600_000);
});

t.test('admission does not pause while the queue is short or overloaded', async (t) => {
  t.equal(createDutyCycle({ isCongested: false, isOverloaded: false })(20), undefined);
  t.equal(createDutyCycle({ isCongested: true, isOverloaded: true })(20), undefined);
  const admission = { isCongested: true, isOverloaded: false };
  const pause = createDutyCycle(admission);
  pause(1.5);
  admission.isCongested = false;
  pause(1.5);
  admission.isCongested = true;
  t.equal(pause(1.5), undefined, 'work does not count while the queue is short');
});
