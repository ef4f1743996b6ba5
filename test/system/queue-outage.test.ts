/** The queue's Redis goes away and comes back: updates are taken all the while, in order and once each. */
import t from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { withApi } from '../api/support/with-app.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { withOneRedis, withRedis } from '../support/servers/servers.ts';
import { asField, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('garden');
const receiptLimitMs = 2000;

t.test(
  'updates go through PostgreSQL while the queue is away, and none is lost or doubled',
  { timeout: 90_000, ...withOneRedis },
  async (t) => {
    const queueServer = await withRedis(t);
    const backing = await withBacking(t, { QUEUE_REDIS_URL: queueServer.queueUrl });
    await withWorker(t, backing);
    const api = await withApi(t, backing);
    const token = await api.createToken({ device: 'alice' });
    let slowestMs = 0;
    const post = async (counter: number) => {
      const startedAt = performance.now();
      const answer = await fetch(`${api.address}/api/fields/${field}/updates`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ updates: [setCell(counter, 1, counter / 100)] }),
      });
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      t.equal(answer.status, 202, `update ${counter} is accepted`);
      return ((await answer.json()) as { durability: string }).durability;
    };

    t.equal(await post(1), 'fsync');
    await waitForVersion(backing, field, 1);
    await queueServer.stop();
    for (const counter of [2, 3, 4]) t.equal(await post(counter), 'postgres');
    await waitForVersion(backing, field, 4);
    const health = (await (await fetch(`${api.address}/api/health`)).json()) as { status: string };
    t.equal(health.status, 'degraded', 'and the health says that something is amiss');
    t.equal((await fetch(`${api.address}/api/health/ready`)).status, 200);

    await queueServer.start();
    let counter = 5;
    await waitUntil('updates go to Redis again', async () => (await post(counter++)) === 'fsync');
    process.kill(queueServer.pid, 'SIGSTOP');
    t.equal(await post(counter++), 'postgres', 'a Redis that hangs is as good as gone');
    t.equal(await post(counter++), 'postgres');
    process.kill(queueServer.pid, 'SIGCONT');
    await waitUntil('updates go to Redis again', async () => (await post(counter++)) === 'fsync');
    const last = counter - 1;
    await waitForVersion(backing, field, last);
    t.ok(slowestMs < receiptLimitMs, `nobody waited longer than 2 s for a receipt (${Math.round(slowestMs)} ms)`);

    const page = await backing.reader.readLog(field, 0, 1000);
    t.equal(page?.version, last, 'every update is there once');
    const state = await backing.reader.loadState(field);
    t.equal(state?.cells.get('1,0')?.value, last / 100, 'the last one stands');
    t.same((await verifyField(backing.db, field)).differences, []);
  },
);
