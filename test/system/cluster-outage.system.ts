/** One master of the queue's Redis Cluster is gone and has no successor. Updates of the fields whose queue it had are accepted nevertheless. */
import { Redis } from 'ioredis';
import t from 'tap';
import { withApi } from '../api/support/with-app.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { withPostgres } from '../support/servers/postgres.ts';
import { withCluster } from '../support/servers/servers.ts';
import { asField, setCell } from '../support/updates.ts';

const field = asField('garden');
/** The first node has the slots from 0 to this one. */
const lastSlot = 5461;

/** A prefix whose queue is on the first node. */
async function findPrefix(port: number): Promise<string> {
  const redis = new Redis({ host: '127.0.0.1', port, password: 'test' });
  try {
    for (let number = 1; ; number += 1) {
      const prefix = `field${number}`;
      if (Number(await redis.cluster('KEYSLOT', prefix)) <= lastSlot) return prefix;
    }
  } finally {
    redis.disconnect();
  }
}

t.test('updates use the fallback queue while a master of the cluster is gone', async (t) => {
  const cluster = await withCluster(t);
  const postgres = await withPostgres(t);
  const settings = {
    DATABASE_URL: postgres.url,
    QUEUE_REDIS_URL: cluster.queueUrl,
    QUEUE_PREFIX: await findPrefix(cluster.port),
  };
  const backing = await withBacking(t, settings);
  await withWorker(t, backing);
  const api = await withApi(t, backing, settings);
  const token = await api.createToken({ device: 'alice' });
  const post = async (counter: number) => {
    const body = { updates: [setCell(counter, 1, counter / 100)] };
    const { status, body: receipt } = await api.request(`/api/fields/${field}/updates`, { token, body });
    return status === 202 ? receipt.durability : status;
  };
  t.equal(await post(1), 'fsync');
  await waitForVersion(backing, field, 1);
  process.kill(cluster.pid, 'SIGKILL');
  for (const counter of [2, 3, 4, 5, 6]) t.equal(await post(counter), 'postgres', `update ${counter} is accepted`);
  await waitForVersion(backing, field, 6);
});
