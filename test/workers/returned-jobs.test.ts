import { Worker } from 'bullmq';
import t, { type Test } from 'tap';
import { createLogger } from '../../shared/process/logger.ts';
import { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { openWorkerConnection } from '../../shared/redis/connect.ts';
import { openConsumer } from '../../workers/consume/open-consumer.ts';
import type { ProcessJob } from '../../workers/job-processor.ts';
import { createWorkerMetrics } from '../../workers/observe/metrics.ts';
import { withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const log = createLogger({ name: 'test', level: 'silent' });
const jobCount = 20;

async function withQueue(t: Test) {
  const redis = await withRedis(t);
  const { queueUrl } = redis;
  const producer = new UpdateProducer({ url: queueUrl, prefix: 'field' }, log);
  await producer.ready();
  t.teardown(() => producer.close());
  const update = setCell(1, 1, 0.5);
  await producer.enqueueAll(
    Array.from({ length: jobCount }, (_, index) => jobOf(asField('garden'), asDevice(`device-${index}`), [update])),
  );
  const metrics = createWorkerMetrics();
  const connect = () => {
    const { connection, close } = openWorkerConnection(queueUrl, log);
    t.teardown(close);
    return connection;
  };
  const open = (processJob: ProcessJob) => {
    const connection = connect();
    const consumer = openConsumer(
      { connection, processJob, onClose: () => undefined, telemetry: undefined, log, metrics },
      { prefix: 'field', concurrency: 100 },
      0,
    );
    consumer.setConcurrencyShare(1);
    t.teardown(() => consumer.abandon());
    return consumer;
  };
  return { redis, connect, metrics, queue: producer.queues.first, open };
}

t.test('a consumer that is abandoned returns its jobs at once and in their order', async (t) => {
  const { queue, open } = await withQueue(t);
  const taken: (string | undefined)[] = [];
  const finish: (() => void)[] = [];
  const stuck = open(({ id }) => {
    taken.push(id);
    return new Promise((resolve) => finish.push(resolve));
  });
  await waitUntil('all jobs are being processed', () => taken.length === jobCount);
  await stuck.abandon();
  t.same(await queue.getJobCounts('waiting', 'active', 'delayed', 'failed'), {
    ...{ waiting: jobCount, active: 0, delayed: 0, failed: 0 },
  });
  for (const resolve of finish) resolve();

  const processed: (string | undefined)[] = [];
  open(async ({ id }) => void processed.push(id));
  await waitUntil('all jobs are processed', () => processed.length >= jobCount);
  t.same(processed, taken);
  await waitUntil('the queue is empty', async () => (await queue.getJobCountByTypes('waiting', 'active')) === 0);
});

t.test('a consumer that is closed finishes its jobs, unless it is abandoned then', async (t) => {
  const { queue, open } = await withQueue(t);
  let taken = 0;
  const finish: (() => void)[] = [];
  const slow = open(() => {
    taken += 1;
    return new Promise((resolve) => finish.push(resolve));
  });
  await waitUntil('all jobs are being processed', () => taken === jobCount);
  const closed = slow.close();
  finish[0]?.();
  await waitUntil('one job is finished', async () => (await queue.getJobCountByTypes('active')) === jobCount - 1);
  await slow.abandon();
  await closed;
  t.equal(await queue.getJobCountByTypes('waiting'), jobCount - 1);
});

t.test('a consumer can be abandoned while Redis is down, and its jobs are processed afterwards', async (t) => {
  const { redis, queue, open } = await withQueue(t);
  let taken = 0;
  const stuck = open(() => {
    taken += 1;
    return new Promise(() => undefined);
  });
  await waitUntil('all jobs are being processed', () => taken === jobCount);
  await redis.stop();
  await stuck.abandon();
  await redis.start();
  let processed = 0;
  open(async () => {
    processed += 1;
  });
  await waitUntil('all jobs are processed', () => processed === jobCount);
  await waitUntil('the queue is empty', async () => (await queue.getJobCountByTypes('waiting', 'active')) === 0);
});

t.test('the next consumer gets the jobs of one that is gone, first and in their order', async (t) => {
  const { connect, metrics, queue, open } = await withQueue(t);
  const gone = new Worker(queue.name, undefined, { connection: connect(), prefix: queue.opts.prefix ?? '' });
  t.teardown(() => gone.close());
  const taken: (string | undefined)[] = [];
  while (taken.length < jobCount) taken.push((await gone.getNextJob('lock of the former worker'))?.id);
  const later = await queue.add('apply-updates', jobOf(asField('garden'), asDevice('ada'), [setCell(1, 1, 0.5)]));
  const processed: (string | undefined)[] = [];
  open(async ({ id }) => void processed.push(id));
  await waitUntil('all jobs are processed', () => processed.length > jobCount);
  t.same(processed, [...taken, later.id]);
  const { values } = await metrics.stalledJobs.get();
  t.equal(values[0]?.value, 0, 'none had to wait until its lock expired');
});
