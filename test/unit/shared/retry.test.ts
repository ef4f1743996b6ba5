import { mock } from 'node:test';
import t from 'tap';
import { type RetryAttempt, type RetryOptions, retry } from '../../../shared/process/retry.ts';

t.beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  mock.method(Math, 'random', () => 1);
});
t.afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

/** Settles pending promises, which mocked timers do not affect. */
const flushPromises = () => new Promise((resolve) => setImmediate(resolve));

/** Work that fails the given number of times, and the attempts that were reported. */
function startRetry(failures: number, options: RetryOptions = {}) {
  const reported: RetryAttempt[] = [];
  let attempts = 0;
  const outcome = retry(
    async () => {
      attempts += 1;
      if (attempts <= failures) throw new Error(`failure ${attempts}`);
      return attempts;
    },
    { onRetry: (_error, attempt) => reported.push(attempt), ...options },
  );
  outcome.catch(() => undefined);
  const advance = async (ms: number) => {
    await flushPromises();
    mock.timers.tick(ms);
    await flushPromises();
  };
  return { outcome, reported, advance, countAttempts: () => attempts };
}

t.test('work that succeeds is run once', async (t) => {
  const { outcome, reported } = startRetry(0);
  t.equal(await outcome, 1);
  t.same(reported, []);
});

t.test('the pause doubles after each failure, up to the longest one', async (t) => {
  const { outcome, reported, advance, countAttempts } = startRetry(4, { initialDelayMs: 10, maxDelayMs: 35 });
  await advance(9);
  t.equal(countAttempts(), 1, 'the second attempt waits for the whole pause');
  for (const ms of [1, 20, 35, 35]) await advance(ms);
  t.equal(await outcome, 5);
  t.same(
    reported,
    [10, 20, 35, 35].map((delayMs, index) => ({ attempt: index + 1, delayMs })),
  );
});

t.test('jitter shortens a pause to no less than half', async (t) => {
  mock.method(Math, 'random', () => 0);
  const { outcome, reported, advance } = startRetry(1, { initialDelayMs: 10 });
  await advance(5);
  t.equal(await outcome, 2);
  t.same(reported, [{ attempt: 1, delayMs: 5 }]);
});

t.test('an error that is not retryable is thrown at once', async (t) => {
  const { outcome, countAttempts } = startRetry(1, { isRetryable: () => false });
  await t.rejects(outcome, { message: 'failure 1' });
  t.equal(countAttempts(), 1);
});

t.test('the last error is thrown after the highest number of attempts', async (t) => {
  const { outcome, advance } = startRetry(9, { initialDelayMs: 10, maxAttempts: 2 });
  await advance(10);
  await t.rejects(outcome, { message: 'failure 2' });
});

t.test('the time limit counts from the first failure', async (t) => {
  const { outcome, advance } = startRetry(9, { initialDelayMs: 10, maxDelayMs: 10, timeoutMs: 25 });
  for (let pauses = 0; pauses < 3; pauses += 1) await advance(10);
  await t.rejects(outcome, { message: 'failure 4' });
});

t.test('aborting ends a pause without another attempt', async (t) => {
  const abortController = new AbortController();
  const { outcome, advance, countAttempts } = startRetry(1, { signal: abortController.signal });
  await advance(1);
  abortController.abort();
  await t.rejects(outcome, { message: 'failure 1' });
  t.equal(countAttempts(), 1);
});

t.test('aborting while the failure is reported ends the retrying', async (t) => {
  const abortController = new AbortController();
  const onRetry = () => abortController.abort();
  const { outcome } = startRetry(1, { signal: abortController.signal, onRetry });
  await t.rejects(outcome, { message: 'failure 1' });
});
