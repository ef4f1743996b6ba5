import t from 'tap';
import { retryReads } from '../../../page/timeline/retry-reads.ts';

/** A read that fails with these statuses, one after the other, and then succeeds. */
function failingRead(...statuses: readonly number[]) {
  const left = [...statuses];
  let attempts = 0;
  const read = async (path: string) => {
    attempts += 1;
    const status = left.shift();
    if (status !== undefined) throw Object.assign(new Error(`status ${status}`), { status });
    return path;
  };
  return { read: retryReads(read as never, [0, 0]), attempts: () => attempts };
}

t.test('a busy server, a rate limit and a lost connection are tried again', async (t) => {
  for (const status of [503, 500, 429, 0]) {
    const { read, attempts } = failingRead(status, status);
    t.equal(await read('?at=0'), '?at=0');
    t.equal(attempts(), 3);
  }
});

t.test('the third failure is reported', async (t) => {
  const { read, attempts } = failingRead(503, 503, 0, 0);
  await t.rejects(read('?at=0'), { message: 'status 0' });
  t.equal(attempts(), 3);
});

t.test('what cannot succeed is not tried again', async (t) => {
  for (const status of [410, 404, 403]) {
    const { read, attempts } = failingRead(status);
    await t.rejects(read('?at=0'), { message: `status ${status}` });
    t.equal(attempts(), 1);
  }
});
