import t from 'tap';
import { findFreePort } from '../../dev/free-port.ts';
import { createLog } from '../../shared/log.ts';
import { connectRedis } from '../../shared/redis.ts';
import { waitUntil } from '../support/wait-until.ts';

t.test('a connection to a cluster that is away can be ended at any time, and tells whoever waits', async (t) => {
  const log = createLog({ name: 'test', level: 'silent' });
  const url = `redis://127.0.0.1:${await findFreePort()}?cluster=true`;
  const first = connectRedis(url, 'test', log, { retryStrategy: () => 60_000 });
  // As BullMQ makes its own of the one that it is given.
  const second = first.duplicate();
  second.on('error', () => undefined);
  for (const redis of [first, second]) {
    await waitUntil('it is between two attempts', async () => redis.status === 'reconnecting');
    const answer = redis.get('key');
    redis.disconnect();
    await t.rejects(answer);
    t.equal(redis.status, 'end');
  }
});
