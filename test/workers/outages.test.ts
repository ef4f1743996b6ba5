import { UnrecoverableError } from 'bullmq';
import t from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { isTransient } from '../../db/transient-errors.ts';
import { applyUpdatesJob } from '../../shared/contract/job.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { readCached, readStored, waitForCache, waitForVersion } from '../support/read-back.ts';
import { withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('garden');
const alice = asDevice('alice');

t.test('updates are applied while the cache is unavailable and published once it returns', async (t) => {
  const cacheServer = await withRedis(t);
  const backing = await withBacking(t, { CACHE_REDIS_URL: cacheServer.cacheUrl });
  await withWorker(t, backing);
  await backing.producer.enqueue(jobOf(field, alice, [setCell(1, 1, 0.1)]));
  await waitForCache(backing, field, 1);
  await cacheServer.stop();
  await backing.producer.enqueue(jobOf(field, alice, [setCell(2, 1, 0.2), setCell(3, 2, 0.3)]));
  await waitForVersion(backing, field, 3);
  await waitUntil('the job is done without the cache', async () => (await backing.producer.countBacklog()) === 0);
  await cacheServer.start();
  await waitForCache(backing, field, 3);
  t.equal(await readCached(backing, field), await readStored(backing, field));
  await waitUntil('no field is marked as unpublished', async () => {
    const marks = await backing.db('unpublished_fields').select();
    return marks.length === 0;
  });
});

t.test('what was not published is published when the cache returns, although the queue is down', async (t) => {
  const cacheServer = await withRedis(t);
  const backing = await withBacking(t, { CACHE_REDIS_URL: cacheServer.cacheUrl });
  await withWorker(t, backing);
  await backing.producer.enqueue(jobOf(field, alice, [setCell(1, 1, 0.1)]));
  await waitForCache(backing, field, 1);
  await cacheServer.stop();
  await backing.producer.enqueue(jobOf(field, alice, [setCell(2, 1, 0.2)]));
  await waitUntil('it is marked', async () => (await backing.db('unpublished_fields').select()).length === 1);
  await backing.redis.stop();
  await cacheServer.start();
  await waitForCache(backing, field, 2);
  t.equal(await readCached(backing, field), await readStored(backing, field));
  await backing.redis.start();
});

t.test('a commit rewrites a state that the cache has lost', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  await backing.producer.enqueue(jobOf(field, alice, [setCell(1, 1, 0.1), setCell(2, 2, 0.1)]));
  await waitForCache(backing, field, 2);
  await backing.cacheRedis.flushall();
  await backing.producer.enqueue(jobOf(field, alice, [setCell(3, 1, 0.5)]));
  await waitForCache(backing, field, 3);
  t.equal(await readCached(backing, field), await readStored(backing, field));
});

t.test('an update that was committed but not published is published when it is sent again', async (t) => {
  const backing = await withBacking(t);
  const first = await withWorker(t, backing);
  await backing.producer.enqueue(jobOf(field, alice, [setCell(1, 1, 0.1)]));
  await waitForCache(backing, field, 1);
  const stateKey = backing.keys.stateKey(field);
  const beforeCrash = await backing.cacheRedis.dumpBuffer(stateKey);
  const updates = [setCell(2, 2, 0.2)];
  await backing.producer.enqueue(jobOf(field, alice, updates));
  await waitForCache(backing, field, 2);
  await first.stop();
  // Simulates a worker that crashed between its commit and the update of the cache.
  await backing.cacheRedis.restore(stateKey, 0, beforeCrash, 'REPLACE');
  await withWorker(t, backing);
  await backing.producer.enqueue(jobOf(field, alice, updates));
  await waitForCache(backing, field, 2);
  t.equal(await readCached(backing, field), await readStored(backing, field));
  t.equal((await backing.reader.loadState(field))?.version, 2, 'it was not applied twice');
});

t.test('a job that can never be applied fails with its reason, and the jobs around it are applied', async (t) => {
  const backing = await withBacking(t);
  const { first: queue } = backing.producer.queues;
  const poison = { ...jobOf(field, alice, [setCell(1, 99, 0.1)]), acceptedAt: 1 };
  await queue.addBulk([
    { name: applyUpdatesJob, data: jobOf(field, asDevice('a'), [setCell(1, 1, 0.1)]) },
    { name: applyUpdatesJob, data: poison },
    { name: applyUpdatesJob, data: jobOf(field, asDevice('b'), [setCell(1, 2, 0.1)]) },
  ]);
  await withWorker(t, backing);
  await waitForVersion(backing, field, 2);
  const [failed] = await waitUntil('the job has failed', async () => {
    const jobs = await queue.getFailed();
    return jobs.length > 0 ? jobs : undefined;
  });
  t.match(failed?.failedReason, /^invalid_input: /);
  t.equal(failed?.attemptsMade, 1);
});

t.test('a job that the database rejects fails alone, and the rest of its batch is applied', async (t) => {
  const backing = await withBacking(t);
  // The constraint simulates an update that passes validation and that only the database rejects.
  await backing.db.raw(`ALTER TABLE field_updates ADD CHECK (device_id <> 'mallory')`);
  const devices = Array.from({ length: 40 }, (_, index) => (index === 20 ? 'mallory' : `device-${index}`));
  await backing.producer.enqueueAll(devices.map((device) => jobOf(field, asDevice(device), [setCell(1, 1, 0.5)])));
  await withWorker(t, backing);
  await waitForVersion(backing, field, 39);
  await waitUntil('one job has failed', async () => (await backing.producer.queues.first.getFailedCount()) === 1);
  t.same((await verifyField(backing.db, field)).differences, []);
});

t.test('a lost connection is a transient error, and a constraint violation is not', async (t) => {
  const withCode = (code: string) => Object.assign(new Error('from the driver'), { code });
  for (const code of ['ECONNREFUSED', '57P01', '40001', '40P01', '53100', '08006', '25006', '28P01', '3D000', '42P01'])
    t.ok(isTransient(withCode(code)), code);
  for (const code of ['23505', '23514', '22P05', '42601']) t.notOk(isTransient(withCode(code)), code);
  t.ok(isTransient(new Error('outer', { cause: withCode('ECONNRESET') })));
  const unreachable = Object.assign(withCode('EHOSTUNREACH'), { syscall: 'connect' });
  t.ok(isTransient(unreachable));
  t.ok(isTransient(new AggregateError([unreachable], 'all addresses failed')));
  const wrap = (nativeError: Error) => Object.assign(new Error('as Objection wraps it'), { nativeError });
  t.ok(isTransient(wrap(withCode('57P01'))));
  t.notOk(isTransient(wrap(withCode('23505'))));
  t.notOk(isTransient(new UnrecoverableError('never')));
});
