import { once } from 'node:events';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import t, { type Test as Tap } from 'tap';
import { createLogger } from '../../shared/process/logger.ts';
import { PartitionCounter } from '../../shared/queue/partition-counts.ts';
import { getPartitionName } from '../../shared/queue/partitions.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { withRedis } from '../support/servers/servers.ts';

t.test('partitions with jobs are read, also if the Redis has forgotten how many there were', async (t) => {
  const { queueUrl } = await withRedis(t);
  const redis = connectRedis(queueUrl, 'test', createLogger({ name: 'test', level: 'silent' }));
  t.teardown(() => redis.disconnect());
  if (redis.status !== 'ready') await once(redis, 'ready');
  const [worker, api] = [new PartitionCounter(redis, 'field'), new PartitionCounter(redis, 'field')];
  t.same(await api.read(), { all: 1, active: 1 });
  await worker.report(4, true);
  t.same(await api.read(), { all: 4, active: 4 });
  const queue = withQueue(t, redis, 3);
  await queue.add('apply-updates', {});
  t.equal(await worker.report(2, false), 4, 'two workers may only seem to be missing');
  t.same(await api.read(), { all: 4, active: 4 });
  await worker.report(2, true);
  t.same(await api.read(), { all: 4, active: 2 }, 'with fewer workers, new jobs are in fewer partitions');

  await redis.del('{field}:active-partitions');
  t.same(await api.read(), { all: 4, active: 4 });
  await redis.del('{field}:active-partitions');
  await queue.obliterate({ force: true });
  await queue.resume();
  t.equal(await worker.report(2, true), 2);
  await queue.add('apply-updates', {});
  t.equal(await new PartitionCounter(redis, 'field').report(2, true), 4, 'an API has added to one that it knows');
  const [job] = await queue.getJobs();
  await job?.remove();
  t.equal(await worker.report(2, true), 4, 'one that is empty may get jobs again');
});

/** The queue of a partition. */
function withQueue(t: Tap, connection: Redis, partition: number): Queue {
  const { queue: name, prefix } = getPartitionName('field', partition);
  const queue = new Queue(name, { connection, prefix });
  t.teardown(() => queue.close());
  return queue;
}
