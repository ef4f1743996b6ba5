/** A budget for what a worker sends to the queue's Redis for a job that arrives alone. */
import t from 'tap';
import { openWorkerConnection } from '../../shared/redis/connect.ts';
import { openConsumer } from '../../workers/consume/open-consumer.ts';
import { createWorkerMetrics } from '../../workers/observe/metrics.ts';
import { countRedis } from '../support/measure/count-costs.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const jobs = 20;
/** Adding, fetching and finishing the job, an empty fetch, and now and then the search for stalled jobs. BullMQ by itself fetches once more. */
const maxScripts = 4.5;
/** Between jobs, so that each arrives alone. */
const quietMs = 10;

t.test('a job that arrives alone takes few round trips', async (t) => {
  const { config, producer, cacheRedis: redis, log } = await withBacking(t);
  const { connection, close } = openWorkerConnection(config.QUEUE_REDIS_URL, log);
  t.teardown(close);
  let finished = 0;
  const processJob = async () => {
    finished += 1;
  };
  const consumer = openConsumer(
    { connection, processJob, onClose: () => undefined, telemetry: undefined, log, metrics: createWorkerMetrics() },
    { prefix: config.QUEUE_PREFIX, concurrency: 100 },
    0,
  );
  consumer.setConcurrencyShare(1);
  t.teardown(() => consumer.close());
  const processOne = async (number: number) => {
    const before = finished;
    await producer.enqueue(jobOf(asField('garden'), asDevice(`phone-${number}`), [setCell(1, 1, 0.5)]));
    await waitUntil('it is processed', () => finished > before, { intervalMs: 1 });
    const processedAt = performance.now();
    await waitUntil('the queue has been quiet', () => performance.now() - processedAt > quietMs, { intervalMs: 1 });
  };
  await processOne(0); // Loads the scripts.
  const { calls } = await countRedis(redis, async () => {
    for (let number = 1; number <= jobs; number += 1) await processOne(number);
  });
  const scripts = (calls.get('evalsha') ?? 0) / jobs;
  t.ok(scripts >= 3 && scripts <= maxScripts, `${scripts.toFixed(1)} of ${maxScripts} scripts for each job`);
});
