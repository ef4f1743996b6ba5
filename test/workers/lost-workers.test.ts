/** Workers that are cut off, stopped or killed: others read their partitions, and nothing is lost or applied twice. */
import t, { type Test } from 'tap';
import { readLeaseHolders } from '../../db/leases/lease-holders.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { TcpLink } from '../faults/stack/tcp-link.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const fields = Array.from({ length: 8 }, (_, index) => asField(`field-${index}`));
/** Three times as long as others need to read the partitions of a worker that is gone, since the machine may be busy. */
const takeoverMs = 45_000;
const yearMs = 365 * 86_400_000;

async function send({ producer }: Backing, counter: number): Promise<void> {
  const update = setCell(counter, 1, counter / 10);
  await producer.enqueueAll(fields.map((field) => jobOf(field, asDevice('ada'), [update])));
}

async function waitForAll({ reader }: Backing, version: number): Promise<void> {
  await waitUntil(
    `every field is at version ${version}`,
    async () => {
      const logs = await Promise.all(fields.map((field) => reader.readLog(field, 0, 1)));
      return logs.every((log) => log?.version === version);
    },
    { timeoutMs: takeoverMs },
  );
}

async function waitUntilShared({ db, config, producer }: Backing, workers = 2): Promise<void> {
  await waitUntil(
    `${workers} workers have one partition each`,
    async () => {
      const holders = await readLeaseHolders(db, config.QUEUE_PREFIX);
      return holders.length === workers && holders.every(({ partitions }) => partitions.length === 1);
    },
    { timeoutMs: 60_000 },
  );
  await producer.queues.refresh();
}

/** Exactly once, whatever the lost worker has done since. */
async function checkLogs(t: Test, backing: Backing): Promise<void> {
  for (const field of fields) t.same((await verifyField(backing.db, field)).differences, []);
  const { queues } = backing.producer;
  await waitUntil('no job is pending', async () => (await queues.countJobs('waiting', 'active', 'delayed')) === 0);
  t.equal(await queues.countJobs('failed'), 0);
}

t.test('a worker that is cut off from PostgreSQL alone loses its partitions', async (t) => {
  const backing = await withBacking(t);
  const url = new URL(directDatabaseUrl(backing.config));
  const link = new TcpLink('worker', 'postgres', Number(url.port));
  await link.listen();
  t.teardown(() => link.close());
  url.port = String(link.port);
  const behindLink = { DATABASE_URL: url.href, DATABASE_DIRECT_URL: url.href };
  await withWorker(t, { ...backing, config: { ...backing.config, ...behindLink } });
  await withWorker(t, backing);
  await waitUntilShared(backing);
  await send(backing, 1);
  await waitForAll(backing, 1);
  link.setMode('silent');
  await send(backing, 2);
  await waitForAll(backing, 2);
  link.setMode('pass');
  await waitUntilShared(backing);
  await send(backing, 3);
  await waitForAll(backing, 3);
  await checkLogs(t, backing);
});

t.test('killed workers with clocks a year ahead and behind lose their partitions', async (t) => {
  const backing = await withBacking(t);
  const startShifted = (offsetMs: number) => {
    const shift = `const now = Date.now; Date.now = () => now() + ${offsetMs};`;
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(shift)}`;
    return withProcess(t, 'workers', backing, { NODE_OPTIONS });
  };
  const shifted = [await startShifted(yearMs), await startShifted(-yearMs)];
  await withWorker(t, backing);
  await waitUntilShared(backing, 3);
  for (const worker of shifted) {
    worker.sendSignal('SIGKILL');
    t.equal(await worker.exited, 'signal SIGKILL');
  }
  await send(backing, 1);
  await waitForAll(backing, 1);
  await checkLogs(t, backing);
});

t.test('a stopped worker loses its partitions, and harms nothing when it goes on', async (t) => {
  const backing = await withBacking(t);
  const zombie = await withProcess(t, 'workers', backing);
  await withWorker(t, backing);
  await waitUntilShared(backing);
  await send(backing, 1);
  await waitForAll(backing, 1);
  zombie.sendSignal('SIGSTOP');
  await send(backing, 2);
  await waitForAll(backing, 2);
  zombie.sendSignal('SIGCONT');
  await send(backing, 3);
  await waitForAll(backing, 3);
  await waitUntilShared(backing);
  await send(backing, 4);
  await waitForAll(backing, 4);
  await checkLogs(t, backing);
});
