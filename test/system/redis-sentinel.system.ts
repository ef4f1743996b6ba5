/** Redis behind Sentinels: the master dies, and the replica takes its place. */
import { Redis } from 'ioredis';
import t from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { withApi } from '../api/support/with-app.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { withOneRedis, withSentinel } from '../support/servers/servers.ts';
import { asField, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('garden');

t.test('updates are applied before and after Sentinels replace the master', withOneRedis, async (t) => {
  const { queueUrl, cacheUrl, first, replica } = await withSentinel(t);
  const settings = { QUEUE_REDIS_URL: queueUrl, CACHE_REDIS_URL: cacheUrl };
  const backing = await withBacking(t, settings);
  await withWorker(t, backing);
  const api = await withApi(t, backing, settings);
  const token = await api.createToken();
  const post = async (counter: number) => {
    const body = { updates: [setCell(counter, counter, counter / 100)] };
    const { status } = await api.request(`/api/fields/${field}/updates`, { token, body });
    return status;
  };
  t.equal(await post(1), 202);
  await waitForVersion(backing, field, 1);

  const observer = new Redis(replica.url(0));
  t.teardown(() => observer.disconnect());
  await waitUntil('the replica has all', async () => /master_link_status:up/.test(await observer.info('replication')));
  await first.process.forceStop();
  await waitUntil('the replica is the master', async () => /role:master/.test(await observer.info('replication')), {
    timeoutMs: 30_000,
  });
  // What the fallback queue accepts in the meantime is applied as well.
  await waitUntil('updates are accepted', async () => (await post(2)) === 202, { timeoutMs: 30_000 });
  await waitForVersion(backing, field, 2);
  await waitUntil('the queue is on the new master', async () => (await observer.keys('*updates*')).length > 0);
  // The copy in the new master's cache is behind for a moment.
  const read = await waitUntil('readers get the newest state', async () => {
    const { body } = await api.request(`/api/fields/${field}`, { token });
    return body.version === 2 && body;
  });
  t.match(read.cells, { '1,0': 0.01, '2,0': 0.02 });
  t.same((await verifyField(backing.db, field)).differences, []);
});
