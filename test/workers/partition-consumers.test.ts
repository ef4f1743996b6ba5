/** Who reads which queue, on a real Redis: workers that come, go, and die. */
import t, { type Test } from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { PartitionConsumers } from '../../workers/consume/partition-consumers.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Readers that do nothing but know which queues they are to read. */
async function withReaders(t: Test, url: string, workerId: string) {
  const log = createLogger({ name: 'test', level: 'silent' });
  const redis = connectRedis(url, 'test', log);
  const open = new Set<number>();
  let sharedAmong = 0;
  const readers = new PartitionConsumers({
    ...{ redis, prefix: 'field', workerId, log },
    openConsumer: (partition) => {
      open.add(partition);
      const setConcurrencyShare = (readers: number) => {
        sharedAmong = readers;
      };
      return { setConcurrencyShare, close: async () => void open.delete(partition) };
    },
  });
  t.teardown(() => readers.close());
  t.teardown(() => redis.disconnect());
  await readers.start();
  return { readers, redis, reads: () => [...open].sort().join(' '), sharedAmong: () => sharedAmong };
}

t.test('the queues are shared among the workers that live', async (t) => {
  const { queueUrl } = await withRedis(t);
  const a = await withReaders(t, queueUrl, 'a');
  t.equal(a.reads(), '0', 'alone: there is one');
  const b = await withReaders(t, queueUrl, 'b');
  t.equal(b.reads(), '1', 'at once');
  await waitUntil('the first has seen the second', async () => a.reads() === '0');
  const c = await withReaders(t, queueUrl, 'c');
  t.equal(c.reads(), '2');

  await b.readers.close();
  t.equal(b.reads(), '');
  await waitUntil('what it had is shared', async () => a.reads() === '0 2' && c.reads() === '1');

  // Without a word, as if it had been killed.
  c.redis.disconnect();
  await waitUntil('the dead one is noticed', async () => a.reads() === '0 1 2', { timeoutMs: 20_000 });
  t.equal(a.sharedAmong(), 3, 'and what it may have in hand is shared among them');
  t.equal(c.reads(), '1', 'and reads on, if it lives and only cannot be seen: the log decides what is applied');
});

t.test('while Redis is away, the first queue is waited for', async (t) => {
  const redis = await withRedis(t);
  await redis.stop();
  const { reads } = await withReaders(t, redis.queueUrl, 'a');
  t.equal(reads(), '0');
});

t.test('jobs in every queue are applied, also when there are fewer workers than before', async (t) => {
  const backing = await withBacking(t);
  const lifecycles = [await withWorker(t, backing), await withWorker(t, backing), await withWorker(t, backing)];
  const { queues } = backing.producer;
  await waitUntil('three queues', async () => (await queues.refresh()) === 3 && queues.all.length === 3);
  const fields = Array.from({ length: 12 }, (_, index) => asField(`field-${index}`));
  t.equal(new Set(fields.map((field) => queues.queueFor(field))).size, 3, 'they go through all of them');

  await send(backing, fields, 1);
  const [first, second] = lifecycles;
  await Promise.all([first?.stop(), second?.stop()]);
  await send(backing, fields, 2);
  await waitUntil('one worker', async () => (await queues.refresh()) === 1);
  t.equal(new Set(fields.map((field) => queues.queueFor(field))).size, 1, 'new ones go through one');
  await send(backing, fields, 3);

  for (const field of fields) {
    await waitUntil(`${field} has all`, async () => (await backing.reader.readLog(field, 0, 1))?.version === 3);
    t.same((await verifyField(backing.db, field)).differences, []);
  }
  await waitUntil('nothing waits', async () => (await queues.countJobs('waiting', 'active', 'delayed')) === 0);
  t.equal(await queues.countJobs('failed'), 0);
});

async function send({ producer }: Backing, fields: readonly ReturnType<typeof asField>[], counter: number) {
  const update = setCell(counter, 1, counter / 10);
  await Promise.all(fields.map((field) => producer.enqueue(jobOf(field, asDevice('ada'), [update]))));
}
