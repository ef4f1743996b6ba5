import { mock } from 'node:test';
import t from 'tap';
import { withTimeout, withTimeoutValue } from '../../../shared/process/with-timeout.ts';

t.beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
t.afterEach(() => mock.timers.reset());

const pending = () => new Promise<string>(() => {});

t.test('a promise that settles in time settles as it would without a timeout', async (t) => {
  t.equal(await withTimeout(Promise.resolve('done'), 10), 'done');
  await t.rejects(withTimeout(Promise.reject(new Error('broken')), 10), { message: 'broken' });
  t.equal(await withTimeoutValue(Promise.resolve('done'), 10, 'late'), 'done');
  await t.rejects(withTimeoutValue(Promise.reject(new Error('broken')), 10, 'late'), { message: 'broken' });
});

t.test('withTimeout rejects with the timeout or with the given message', async (t) => {
  const rejections = Promise.all([
    t.rejects(withTimeout(pending(), 10), { message: 'no answer within 10 ms' }),
    t.rejects(withTimeout(pending(), 10, 'the server did not stop'), { message: 'the server did not stop' }),
  ]);
  mock.timers.tick(10);
  await rejections;
});

t.test('withTimeoutValue resolves with the given value after the timeout', async (t) => {
  const outcome = withTimeoutValue(pending(), 10, undefined);
  mock.timers.tick(10);
  t.equal(await outcome, undefined);
});
