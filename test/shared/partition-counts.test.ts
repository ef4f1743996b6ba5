import { once } from 'node:events';
import t from 'tap';
import { createLogger } from '../../shared/process/logger.ts';
import { PartitionCounter } from '../../shared/queue/partition-counts.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { withRedis } from '../support/servers/servers.ts';

t.test('partitions that a Redis has forgotten are read again, since an API may still use them', async (t) => {
  const { queueUrl } = await withRedis(t);
  const redis = connectRedis(queueUrl, 'test', createLogger({ name: 'test', level: 'silent' }));
  t.teardown(() => redis.disconnect());
  if (redis.status !== 'ready') await once(redis, 'ready');
  const [worker, api] = [new PartitionCounter(redis, 'field'), new PartitionCounter(redis, 'field')];
  await worker.report(4, true);
  t.same(await api.read(), { all: 4, active: 4 });
  await worker.report(2, true);
  t.same(await api.read(), { all: 4, active: 2 }, 'with fewer workers, new jobs are in fewer partitions');

  await redis.flushdb();
  t.equal(await worker.report(2, true), 4, 'a worker remembers');
  await redis.flushdb();
  t.same(await api.read(), { all: 4, active: 1 }, 'an API remembers');
  t.equal(
    await new PartitionCounter(redis, 'field').report(2, true),
    4,
    'and a worker that starts learns it from there',
  );
});
