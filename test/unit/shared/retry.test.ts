import { mock } from 'node:test';
import t from 'tap';
import { type RetryAttempt, type RetryOptions, retry } from '../../../shared/process/retry.ts';

let monotonicMs = 0;

t.beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  mock.method(performance, 'now', () => monotonicMs);
  mock.method(Math, 'random', () => 1);
});
t.afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

/** Lets pending promises settle; mocked timers do not affect `setImmediate`. */
const flushPromises = () => new Promise((resolve) => setImmediate(resolve));

/** Retries an operation that fails the given number of times, and records the attempts that are reported. */
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
    monotonicMs += ms;
    mock.timers.tick(ms);
    await flushPromises();
  };
  return { outcome, reported, advance, countAttempts: () => attempts };
}

t.test('an operation that succeeds runs once', async (t) => {
  const { outcome, reported } = startRetry(0);
  t.equal(await outcome, 1);
  t.same(reported, []);
});

t.test('the delay doubles after each failure, up to the maximum', async (t) => {
  const { outcome, reported, advance, countAttempts } = startRetry(4, { initialDelayMs: 10, maxDelayMs: 35 });
  await advance(9);
  t.equal(countAttempts(), 1, 'the second attempt does not start before the delay has passed');
  for (const ms of [1, 20, 35, 35]) await advance(ms);
  t.equal(await outcome, 5);
  t.same(
    reported,
    [10, 20, 35, 35].map((delayMs, index) => ({ attempt: index + 1, delayMs })),
  );
});

t.test('jitter shortens a delay to no less than half', async (t) => {
  mock.method(Math, 'random', () => 0);
  const { outcome, reported, advance } = startRetry(1, { initialDelayMs: 10 });
  await advance(5);
  t.equal(await outcome, 2);
  t.same(reported, [{ attempt: 1, delayMs: 5 }]);
});

t.test('a pause is not shorter than the server has asked for', async (t) => {
  const asked = [3000, undefined];
  const { reported, advance } = startRetry(2, { initialDelayMs: 10, maxDelayMs: 35, minDelayMs: () => asked.shift() });
  await advance(3000);
  await advance(20);
  t.same(
    reported.map(({ delayMs }) => delayMs),
    [3000, 20],
  );
});

t.test('an error that is not retryable is thrown at once', async (t) => {
  const { outcome, countAttempts } = startRetry(1, { isRetryable: () => false });
  await t.rejects(outcome, { message: 'failure 1' });
  t.equal(countAttempts(), 1);
});

t.test('the timeout is measured from the first failure', async (t) => {
  const { outcome, advance } = startRetry(9, { initialDelayMs: 10, maxDelayMs: 10, timeoutMs: 25 });
  for (let delays = 0; delays < 3; delays += 1) await advance(10);
  await t.rejects(outcome, { message: 'failure 4' });
});

t.test('aborting during a delay ends it without another attempt', async (t) => {
  const abortController = new AbortController();
  const { outcome, advance, countAttempts } = startRetry(1, { signal: abortController.signal });
  await advance(1);
  abortController.abort();
  await t.rejects(outcome, { message: 'failure 1' });
  t.equal(countAttempts(), 1);
});

t.test('aborting from onRetry prevents another attempt', async (t) => {
  const abortController = new AbortController();
  const onRetry = () => abortController.abort();
  const { outcome } = startRetry(1, { signal: abortController.signal, onRetry });
  await t.rejects(outcome, { message: 'failure 1' });
});
