/** The assignment of partitions to workers that start, stop and crash, on a real Redis. */
import t, { type Test } from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { PartitionConsumers } from '../../workers/consume/partition-consumers.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Partition consumers that process nothing and only record which partitions they are assigned. */
async function withConsumers(t: Test, url: string, workerId: string) {
  const log = createLogger({ name: 'test', level: 'silent' });
  const redis = connectRedis(url, 'test', log);
  const open = new Set<number>();
  let consumerCount = 0;
  const consumers = new PartitionConsumers({
    ...{ redis, prefix: 'field', workerId, log },
    openConsumer: (partition) => {
      open.add(partition);
      const setConcurrencyShare = (count: number) => {
        consumerCount = count;
      };
      return { setConcurrencyShare, close: async () => void open.delete(partition) };
    },
  });
  t.teardown(() => consumers.close());
  t.teardown(() => redis.disconnect());
  await consumers.start();
  return { consumers, redis, partitions: () => [...open].sort().join(' '), consumerCount: () => consumerCount };
}

t.test('partitions are distributed among the running workers', async (t) => {
  const { queueUrl } = await withRedis(t);
  const a = await withConsumers(t, queueUrl, 'a');
  t.equal(a.partitions(), '0', 'a single worker has one partition');
  const b = await withConsumers(t, queueUrl, 'b');
  t.equal(b.partitions(), '1', 'a second worker adds a partition immediately');
  await waitUntil('the first worker sees the second', async () => a.partitions() === '0');
  const c = await withConsumers(t, queueUrl, 'c');
  t.equal(c.partitions(), '2');

  await b.consumers.close();
  t.equal(b.partitions(), '');
  await waitUntil('its partition is reassigned', async () => a.partitions() === '0 2' && c.partitions() === '1');

  // Disconnects without leaving the membership, like a process that was killed.
  c.redis.disconnect();
  await waitUntil('the crashed worker expires', async () => a.partitions() === '0 1 2', {
    timeoutMs: 20_000,
  });
  t.equal(a.consumerCount(), 3, 'the concurrency limit is divided among all three consumers');
  t.equal(c.partitions(), '1', 'a worker that only lost its connection keeps consuming; the log prevents duplicates');
});

t.test('a worker that starts while Redis is unavailable consumes the first partition', async (t) => {
  const redis = await withRedis(t);
  await redis.stop();
  const { partitions } = await withConsumers(t, redis.queueUrl, 'a');
  t.equal(partitions(), '0');
});

t.test('jobs in every partition are applied even after the number of workers decreases', async (t) => {
  const backing = await withBacking(t);
  const lifecycles = [await withWorker(t, backing), await withWorker(t, backing), await withWorker(t, backing)];
  const { queues } = backing.producer;
  await waitUntil('three partitions are in use', async () => (await queues.refresh()) === 3 && queues.all.length === 3);
  const fields = Array.from({ length: 12 }, (_, index) => asField(`field-${index}`));
  t.equal(new Set(fields.map((field) => queues.queueFor(field))).size, 3, 'jobs are added to all of them');

  await send(backing, fields, 1);
  const [first, second] = lifecycles;
  await Promise.all([first?.stop(), second?.stop()]);
  await send(backing, fields, 2);
  await waitUntil('one partition is in use', async () => (await queues.refresh()) === 1);
  t.equal(new Set(fields.map((field) => queues.queueFor(field))).size, 1, 'new jobs are added to one');
  await send(backing, fields, 3);

  for (const field of fields) {
    await waitUntil(
      `${field} has every update`,
      async () => (await backing.reader.readLog(field, 0, 1))?.version === 3,
    );
    t.same((await verifyField(backing.db, field)).differences, []);
  }
  await waitUntil('no job is pending', async () => (await queues.countJobs('waiting', 'active', 'delayed')) === 0);
  t.equal(await queues.countJobs('failed'), 0);
});

async function send({ producer }: Backing, fields: readonly ReturnType<typeof asField>[], counter: number) {
  const update = setCell(counter, 1, counter / 10);
  await Promise.all(fields.map((field) => producer.enqueue(jobOf(field, asDevice('ada'), [update]))));
}
