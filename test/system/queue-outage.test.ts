/** An outage of the queue's Redis: updates are accepted throughout, and applied in order and exactly once. */
import t from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { withApi } from '../api/support/with-app.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { withPostgres } from '../support/servers/postgres.ts';
import { withOneRedis, withRedis } from '../support/servers/servers.ts';
import { asField, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('garden');

t.test(
  'updates use the fallback queue while Redis is unavailable, and none is lost or duplicated',
  withOneRedis,
  async (t) => {
    const queueServer = await withRedis(t);
    // Receipts say `postgres` only if it fsyncs.
    const postgres = await withPostgres(t);
    const urls = { DATABASE_URL: postgres.url, QUEUE_REDIS_URL: queueServer.queueUrl };
    const backing = await withBacking(t, urls);
    await withWorker(t, backing);
    const api = await withApi(t, backing);
    const token = await api.createToken({ device: 'alice' });
    const post = async (counter: number) => {
      const response = await fetch(`${api.address}/api/fields/${field}/updates`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ updates: [setCell(counter, 1, counter / 100)] }),
      });
      t.equal(response.status, 202, `update ${counter} is accepted`);
      return ((await response.json()) as { durability: string }).durability;
    };

    t.equal(await post(1), 'fsync');
    await waitForVersion(backing, field, 1);
    await queueServer.stop();
    for (const counter of [2, 3, 4]) t.equal(await post(counter), 'postgres');
    await waitForVersion(backing, field, 4);
    const health = (await (await fetch(`${api.address}/api/health`)).json()) as { status: string };
    t.equal(health.status, 'degraded', 'the health check reports a degraded state');
    t.equal((await fetch(`${api.address}/api/health/ready`)).status, 200);

    await queueServer.start();
    let counter = 5;
    await waitUntil('updates go to Redis again', async () => (await post(counter++)) === 'fsync');
    process.kill(queueServer.pid, 'SIGSTOP');
    t.equal(await post(counter++), 'postgres', 'a Redis that does not respond is treated as unavailable');
    t.equal(await post(counter++), 'postgres');
    process.kill(queueServer.pid, 'SIGCONT');
    await waitUntil('updates go to Redis again', async () => (await post(counter++)) === 'fsync');
    const last = counter - 1;
    await waitForVersion(backing, field, last);

    const page = await backing.reader.readLog(field, 0, 1000);
    t.equal(page?.version, last, 'every update is in the log once');
    const state = await backing.reader.loadState(field);
    t.equal(state?.cells.get('1,0')?.value, last / 100, 'the last update wins');
    t.same((await verifyField(backing.db, field)).differences, []);
  },
);
