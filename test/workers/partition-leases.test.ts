/** How workers that start, stop and crash share the partitions, on a real PostgreSQL and a real Redis. */
import t, { type Test } from 'tap';
import { connectDatabase } from '../../db/connect.ts';
import { readLeaseHolders } from '../../db/leases/lease-holders.ts';
import { LeaseSession } from '../../db/leases/lease-session.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { PartitionCounter } from '../../shared/queue/partition-counts.ts';
import { getPartitionName } from '../../shared/queue/partitions.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { PartitionConsumers } from '../../workers/consume/partition-consumers.ts';
import { createLeaseServers } from '../../workers/leases/lease-servers.ts';
import { PartitionLeases } from '../../workers/leases/partition-leases.ts';
import { TcpLink } from '../faults/stack/tcp-link.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { withPostgres } from '../support/servers/postgres.ts';
import { queryPostgres } from '../support/servers/query-postgres.ts';
import { withDatabase, withOneRedis, withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const log = createLogger({ name: 'test', level: process.env.TEST_LOG_LEVEL ?? 'silent' });
/** Shorter than the interval at which workers look for changes that nobody has announced. */
const atOnce = { timeoutMs: 2500 };

interface LeasingOptions {
  readonly databaseUrl: string;
  readonly queueUrl: string;
  readonly prefix?: string;
}

/** A worker that leases partitions and processes nothing. */
async function withLeases(t: Test, { databaseUrl, queueUrl, prefix = 'field' }: LeasingOptions) {
  const redis = connectRedis(queueUrl, 'test', log);
  const db = connectDatabase({ url: databaseUrl, poolSize: 2, applicationName: 'field-test', log });
  const share = new Map<number, number>();
  let abandoned = 0;
  const consumers = new PartitionConsumers({
    log,
    openConsumer: (partition) => ({
      setConcurrencyShare: (count) => void share.set(partition, count),
      close: async () => void share.delete(partition),
      abandon: async () => {
        abandoned += 1;
        share.delete(partition);
      },
    }),
  });
  const leases = new PartitionLeases({
    servers: createLeaseServers({ databaseUrl, db, redis, prefix }),
    log,
    consumers,
  });
  t.teardown(async () => {
    await leases.close();
    redis.disconnect();
    await db.destroy();
  });
  await leases.start();
  return {
    leases,
    redis,
    partitions: () => [...share.keys()].sort((a, b) => a - b),
    shares: () => [...share.values()],
    abandoned: () => abandoned,
  };
}

type Leasing = Awaited<ReturnType<typeof withLeases>>;

const isShared = (workers: readonly Leasing[], sizes: readonly number[]) => {
  const held = workers.map(({ partitions }) => partitions());
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const isEven =
    held
      .map(({ length }) => length)
      .sort()
      .join() === [...sizes].sort().join();
  return isEven && new Set(held.flat()).size === total;
};

async function withServers(t: Test) {
  const [{ directUrl }, { queueUrl }] = [await withDatabase(t), await withRedis(t)];
  return { databaseUrl: directUrl, queueUrl };
}

const leaseSessions = `FROM pg_stat_activity WHERE application_name LIKE 'field-lease%' AND datname = current_database()`;

t.test('partitions are shared evenly, move only as far as needed, and are handed over at once', async (t) => {
  const servers = await withServers(t);
  const a = await withLeases(t, servers);
  t.same(a.partitions(), [0], 'a single worker has one partition');
  const b = await withLeases(t, servers);
  await waitUntil('the second worker has a partition of its own', () => isShared([a, b], [1, 1]));
  t.same(a.partitions(), [0], 'the first one keeps its partition');
  const c = await withLeases(t, servers);
  await waitUntil('the third worker has one, too', () => isShared([a, b, c], [1, 1, 1]));

  await b.leases.close();
  t.same(b.partitions(), []);
  await waitUntil('a graceful stop hands over at once', () => isShared([a, c], [2, 1]), atOnce);
  t.ok(
    [a, c].some(({ shares }) => shares().join() === '2,2'),
    'the concurrency limit is divided between two consumers',
  );
  t.equal(a.abandoned() + b.abandoned() + c.abandoned(), 0);
});

t.test('many partitions are shared to within one by two workers, and then by three', async (t) => {
  const servers = await withServers(t);
  const a = await withLeases(t, servers);
  // As BullMQ does with the first job of a partition.
  const last = getPartitionName('field', 15);
  await a.redis.set(`${last.prefix}:${last.queue}:id`, 1);
  const b = await withLeases(t, servers);
  await waitUntil('two workers share them', () => isShared([a, b], [8, 8]));
  const c = await withLeases(t, servers);
  await waitUntil('three workers share them', () => isShared([a, b, c], [6, 5, 5]));
});

t.test('a worker whose session PostgreSQL ends stops at once, and takes part again', async (t) => {
  const servers = await withServers(t);
  const a = await withLeases(t, servers);
  t.same(a.partitions(), [0]);
  await queryPostgres(servers.databaseUrl, `SELECT pg_terminate_backend(pid) ${leaseSessions}`);
  await waitUntil('its consumer has returned its jobs', () => a.abandoned() === 1, atOnce);
  await waitUntil('it has a lease again', () => a.partitions().join() === '0', { timeoutMs: 5000 });
});

t.test('new jobs keep their partitions while PostgreSQL restarts', async (t) => {
  const [postgres, { queueUrl }] = [await withPostgres(t), await withRedis(t)];
  const servers = { databaseUrl: postgres.url, queueUrl };
  const workers = [await withLeases(t, servers), await withLeases(t, servers), await withLeases(t, servers)];
  const counter = new PartitionCounter((workers[0] as Leasing).redis, 'field');
  await waitUntil('three workers share the partitions', () => isShared(workers, [1, 1, 1]));
  const seen = new Set<number>();
  await postgres.stop();
  await waitUntil('nobody consumes', () => isShared(workers, [0, 0, 0]));
  await postgres.start();
  await waitUntil(
    'they share the partitions again',
    async () => {
      seen.add((await counter.read()).active);
      return isShared(workers, [1, 1, 1]);
    },
    { timeoutMs: 10_000 },
  );
  t.same([...seen], [3]);
});

t.test('a worker that cannot read its queue gives its partitions to others', withOneRedis, async (t) => {
  const servers = await withServers(t);
  const { port } = new URL(servers.queueUrl);
  const link = new TcpLink('worker', 'queue', Number(port));
  await link.listen();
  t.teardown(() => link.close());
  const a = await withLeases(t, { ...servers, queueUrl: servers.queueUrl.replace(`:${port}`, `:${link.port}`) });
  const b = await withLeases(t, servers);
  await waitUntil('both have a partition', () => isShared([a, b], [1, 1]));
  link.setMode('silent');
  await waitUntil('the other worker has both', () => isShared([a, b], [0, 2]));
  t.equal(a.abandoned(), 1);
  link.setMode('pass');
  await waitUntil('both have a partition again', () => isShared([a, b], [1, 1]));
});

t.test('a worker that starts while Redis is unavailable leases partitions once it is available', async (t) => {
  const [{ directUrl }, redis] = [await withDatabase(t), await withRedis(t)];
  await redis.stop();
  const a = await withLeases(t, { databaseUrl: directUrl, queueUrl: redis.queueUrl });
  t.same(a.partitions(), []);
  t.notOk(a.leases.isMember);
  await redis.start();
  await waitUntil('it has a partition', () => a.partitions().join() === '0', { timeoutMs: 5000 });
  t.ok(a.leases.isMember);
});

const onlyPooler = process.env.TEST_PGBOUNCER ? {} : { skip: 'runs with TEST_PGBOUNCER=1' };
t.test('a worker refuses to hold leases through a pooler', onlyPooler, async (t) => {
  const { url } = await withDatabase(t);
  const options = { url, leaseClassId: 1, applicationName: 'test', onLost: () => {}, onChange: () => {} };
  await t.rejects(LeaseSession.open(options), { message: /set DATABASE_DIRECT_URL/ });
});

t.test('installations that share a database but not a prefix have separate partitions', async (t) => {
  const servers = await withServers(t);
  const [a, b] = [await withLeases(t, servers), await withLeases(t, { ...servers, prefix: 'other' })];
  t.same([a.partitions(), b.partitions()], [[0], [0]]);
});

t.test('jobs in every partition are applied even after the number of workers decreases', async (t) => {
  const backing = await withBacking(t);
  const { producer, db } = backing;
  const { queues } = producer;
  const lifecycles = [await withWorker(t, backing), await withWorker(t, backing), await withWorker(t, backing)];
  await queues.refresh();
  const fields = Array.from({ length: 12 }, (_, index) => asField(`field-${index}`));
  t.equal(new Set(fields.map((field) => queues.queueFor(field))).size, 3, 'jobs are added to three partitions');

  await send(backing, fields, 1);
  const [first, second] = lifecycles;
  await Promise.all([first?.stop(), second?.stop()]);
  t.equal((await readLeaseHolders(db, 'field')).length, 1, 'one worker is left');
  await send(backing, fields, 2);
  await waitUntil('new jobs are added to one partition', async () => {
    await queues.refresh();
    return new Set(fields.map((field) => queues.queueFor(field))).size === 1;
  });
  await send(backing, fields, 3);

  for (const field of fields) {
    await waitUntil(
      `${field} has every update`,
      async () => (await backing.reader.readLog(field, 0, 1))?.version === 3,
    );
    t.same((await verifyField(db, field)).differences, []);
  }
  await waitUntil('no job is pending', async () => (await queues.countJobs('waiting', 'active', 'delayed')) === 0);
  t.equal(await queues.countJobs('failed'), 0);
});

async function send({ producer }: Backing, fields: readonly ReturnType<typeof asField>[], counter: number) {
  const update = setCell(counter, 1, counter / 10);
  await Promise.all(fields.map((field) => producer.enqueue(jobOf(field, asDevice('ada'), [update]))));
}
