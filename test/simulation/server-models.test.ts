/**
 * The models of channels and of the queue against Redis and BullMQ: the same histories are carried out on both, and must give
 * the same answers.
 */
import { Queue, WaitingError, Worker } from 'bullmq';
import t, { type Test } from 'tap';
import type { SubscriberConnection } from '../../api/redis-subscriber.ts';
import type { UpdatesJob } from '../../shared/contract/job.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { connectRedis, failFast, openWorkerConnection } from '../../shared/redis/connect.ts';
import { reclaimJobs } from '../../workers/consume/reclaim-jobs.ts';
import { TcpLink } from '../faults/stack/tcp-link.ts';
import { withOneRedis, withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { Link } from './models/link.ts';
import { JobQueue } from './models/queue/job-queue.ts';
import { ModelWorker } from './models/queue/model-worker.ts';
import { RedisConnection, SubscriberRedis } from './models/redis/redis-connection.ts';
import { RedisServer } from './models/redis/redis-server.ts';
import { createError, onModels, type WaitFor, waitForReal } from './on-models.ts';

const log = createLogger({ name: 'test', level: 'silent' });

// BullMQ does not close a worker whose connection went silent: it tries to connect for ever, without a pause.
t.teardown(() => process.exit());

interface Channels {
  readonly subscriber: SubscriberConnection;
  readonly publish: (channel: string, message: string) => Promise<number>;
  /** The server closes the connection of the subscriber. */
  readonly cut: () => Promise<unknown>;
  readonly waitFor: WaitFor;
}

async function useChannels({ subscriber, publish, cut, waitFor }: Channels): Promise<unknown[]> {
  const received: string[] = [];
  const states: string[] = [];
  subscriber.on('message', (channel, message) => void received.push(`${channel} ${message}`));
  subscriber.on('ready', () => void states.push('ready'));
  subscriber.on('close', () => void states.push('close'));
  await waitFor('it is connected', () => subscriber.status === 'ready');
  await subscriber.subscribe('a', 'b');
  const counts = [await publish('a', '1'), await publish('b', '2'), await publish('c', '3')];
  await subscriber.unsubscribe('b');
  counts.push(await publish('b', '4'), await publish('a', '5'));
  await waitFor('the last message has arrived', () => received.includes('a 5'));
  states.length = 0;
  await cut();
  await waitFor('it is connected again', () => states.join() === 'close,ready');
  counts.push(await publish('a', '6'));
  await subscriber.subscribe('a');
  counts.push(await publish('a', '7'));
  await waitFor('the last message has arrived', () => received.includes('a 7'));
  return [counts, received];
}

t.test('the model of Redis delivers messages of channels as Redis does', withOneRedis, async (t) => {
  const { queueUrl } = await withRedis(t);
  const publisher = connectRedis(queueUrl, 'test', log);
  const subscriber = connectRedis(queueUrl, 'test', log, { ...failFast, autoResubscribe: false });
  t.teardown(() => [publisher, subscriber].map((redis) => redis.disconnect()));
  await waitForReal('it is connected', () => publisher.status === 'ready');
  const real = await useChannels({
    subscriber,
    publish: (channel, message) => publisher.publish(channel, message),
    cut: () => publisher.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    waitFor: waitForReal,
  });
  const modelled = await onModels(({ time, random, waitFor }) => {
    const server = new RedisServer(time);
    const link = new Link({ time, random, server }, { timeoutMs: 2000, isOrdered: true, createError });
    const connection = new RedisConnection({ time, server, link, scripts: {} });
    return useChannels({
      subscriber: new SubscriberRedis({ time, server, link, scripts: {} }),
      publish: (channel, message) => connection.publish(channel, message),
      cut: async () => {
        const copy = server.copy();
        server.stop();
        server.start(copy);
      },
      waitFor,
    });
  });
  t.same(modelled, real);
});

const lockMs = 1500;
const stalledIntervalMs = 300;

interface TestJob {
  readonly id?: string | undefined;
  moveToWait(token?: string): Promise<unknown>;
}

type TestProcessor = (job: TestJob, token?: string) => Promise<void>;

interface TestConsumer {
  /** Nothing that it sends arrives any more, and nothing reaches it. */
  silence(): void;
  close(): Promise<unknown>;
}

interface Jobs {
  readonly add: () => Promise<unknown>;
  readonly countUnfinished: () => number | Promise<number>;
  /** Opens a consumer; with `reclaims`, it first retries the jobs that others have in flight. */
  readonly open: (process: TestProcessor, options?: { readonly reclaims: boolean }) => Promise<TestConsumer>;
  readonly waitFor: WaitFor;
}

/** Jobs that are completed, returned, retried after a failure, delivered again since their lock has expired, and reclaimed. */
async function useJobs({ add, countUnfinished, open, waitFor }: Jobs): Promise<unknown[]> {
  const deliveries: string[] = [];
  const isEmpty = async () => (await countUnfinished()) === 0;
  let isReleased = false;
  const first = await open(async (job, token) => {
    deliveries.push(`first ${job.id}`);
    const count = deliveries.filter((each) => each === `first ${job.id}`).length;
    if (job.id === '2' && count === 1) {
      await job.moveToWait(token);
      throw new WaitingError();
    }
    if (job.id === '3' && count === 1) throw new Error('fails once');
    if (job.id === '4') await waitFor('it is released', () => isReleased);
  });
  for (const deliveryCount of [1, 3, 5]) {
    await add();
    await waitFor('the job is finished', async () => deliveries.length === deliveryCount && (await isEmpty()));
  }
  await add();
  await waitFor('the first consumer has the job', () => deliveries.includes('first 4'));
  first.silence();
  const second = await open(async (job) => {
    deliveries.push(`second ${job.id}`);
    if (job.id === '6') await new Promise(() => undefined);
  });
  const unfinished = await countUnfinished();
  await waitFor('the job is delivered again and finished', async () => deliveries.includes('second 4') && isEmpty());
  isReleased = true;
  await add();
  await waitFor('only the second consumer gets jobs', async () => deliveries.includes('second 5') && isEmpty());
  await add();
  await waitFor('the second consumer has the job', () => deliveries.includes('second 6'));
  second.silence();
  const third = await open(async (job) => void deliveries.push(`third ${job.id}`), { reclaims: true });
  await waitFor('the third consumer has finished it', async () => deliveries.includes('third 6') && isEmpty());
  await third.close();
  return [deliveries, unfinished];
}

const job = jobOf(asField('garden'), asDevice('ada'), [setCell(1, 1, 0.5)]);

t.test('the model of the queue delivers jobs as BullMQ does', withOneRedis, async (t) => {
  const { queueUrl, port } = await withRedis(t);
  const { connection } = openWorkerConnection(queueUrl, log);
  const queue = new Queue<UpdatesJob>('compared', { connection });
  t.teardown(() => queue.close());
  const modelled = await onModels(async ({ time, random, waitFor }) => {
    const jobs = new JobQueue({ time, random, lockMs, stalledIntervalMs });
    return useJobs({
      add: async () => jobs.add(0, job),
      countUnfinished: () => jobs.pending,
      open: async (processJob, { reclaims } = { reclaims: false }) => {
        const link = new Link({ time, random, server: jobs }, { timeoutMs: 2000, isOrdered: true, createError });
        const worker = new ModelWorker({ time, process: undefined, queue: jobs, link, processJob, reclaims }, 0);
        worker.start();
        return {
          silence: () => {
            link.state = 'silent';
          },
          close: () => worker.close(),
        };
      },
      waitFor,
    });
  });
  const real = await useJobs({
    add: () =>
      queue.add('apply', job, { attempts: 5, backoff: { type: 'fixed', delay: 1000 }, removeOnComplete: true }),
    countUnfinished: () => queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized'),
    open: (processJob, options) => openRealWorker(t, { queueUrl, port, ...options }, processJob),
    waitFor: waitForReal,
  });
  t.same(modelled, real);
});

interface RealWorkerOptions {
  readonly queueUrl: string;
  readonly port: number;
  readonly reclaims?: boolean;
}

async function openRealWorker(
  t: Test,
  { queueUrl, port, reclaims }: RealWorkerOptions,
  processJob: TestProcessor,
): Promise<TestConsumer> {
  const link = new TcpLink('worker', 'queue', port);
  await link.listen();
  const { connection } = openWorkerConnection(queueUrl.replace(`:${port}`, `:${link.port}`), log);
  const worker = new Worker<UpdatesJob, void>('compared', processJob, {
    connection,
    concurrency: 10,
    lockDuration: lockMs,
    stalledInterval: stalledIntervalMs,
    maxStalledCount: 100,
    removeOnComplete: { count: 0 },
    autorun: false,
  });
  worker.on('error', () => undefined);
  t.teardown(() => link.close());
  await worker.waitUntilReady();
  if (reclaims) await reclaimJobs(worker);
  void worker.run();
  return { silence: () => link.setMode('silent'), close: () => worker.close() };
}
