import t from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { withOneRedis } from '../support/servers/servers.ts';
import { asField, setCell } from '../support/updates.ts';
import { withApi } from './support/with-app.ts';

const field = asField('lanes');
const path = `/api/fields/${field}/updates`;

t.test('updates of low priority wait behind all others', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing);
  const [batch, phone] = [await api.createToken({ device: 'batch' }), await api.createToken({ device: 'phone' })];
  const low = { token: batch, headers: { prefer: 'priority=low' } };
  for (let counter = 1; counter <= 3; counter += 1) {
    const response = await api.request(path, { ...low, body: { updates: [setCell(counter, 1, 0.1)] } });
    t.match(response, { status: 202, body: { accepted: 1 } });
    t.equal(response.headers.get('preference-applied'), 'priority=low');
  }
  const normal = await api.request(path, { token: phone, body: { updates: [setCell(1, 2, 0.2)] } });
  t.equal(normal.status, 202);
  t.equal(normal.headers.get('preference-applied'), null);
  const { queues } = backing.producer;
  t.equal(await queues.countJobs('prioritized'), 3);
  t.equal(await queues.countJobs('waiting'), 1, 'workers take it first');

  await withWorker(t, backing);
  const headers = { prefer: 'wait=20, priority=low' };
  // The response comes when this and all before it are applied.
  const waited = await api.request(path, { token: batch, headers, body: { updates: [setCell(4, 3, 0.3)] } });
  t.match(waited, { status: 200, body: { version: 5, results: [{ counter: 4, outcome: 'applied' }] } });
  t.equal(waited.headers.get('preference-applied'), 'wait=20, priority=low');
});

t.test('a request of low priority beside others is applied once and answered as a whole', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing);
  await withWorker(t, backing);
  const [batch, phone] = [await api.createToken({ device: 'batch' }), await api.createToken({ device: 'phone' })];
  const waiting = { prefer: 'wait=20' };
  const first = await api.request(path, { token: phone, headers: waiting, body: { updates: [setCell(1, 20, 0.2)] } });
  t.equal(first.status, 200);
  const counters = Array.from({ length: 80 }, (_, index) => index + 1);
  const updates = counters.map((counter) => setCell(counter, counter % 10, 0.1));
  const headers = { prefer: 'wait=20, priority=low' };
  const [{ body, status }] = await Promise.all([
    api.request(path, { token: batch, headers, body: { updates } }),
    api.request(path, { token: phone, headers: waiting, body: { updates: [setCell(2, 20, 0.2)] } }),
  ]);
  t.equal(status, 200);
  t.same(
    (body as { results: { counter: number; outcome: string }[] }).results.map(({ counter, outcome }) => [
      counter,
      outcome,
    ]),
    counters.map((counter) => [counter, 'applied']),
  );
  t.same((await verifyField(backing.db, field)).differences, []);
  await waitForVersion(backing, field, 82);
});

t.test('while others wait in the queue, updates of low priority are refused and others are not', async (t) => {
  const backing = await withBacking(t, { MAX_BACKLOG: '40' });
  const api = await withApi(t, backing);
  const token = await api.createToken();
  const send = (counter: number, headers: Record<string, string> = {}) =>
    api.request(path, { token, headers, body: { updates: [setCell(counter, 1, 0.1)] } });
  for (let counter = 1; counter <= 3; counter += 1) t.equal((await send(counter)).status, 202);
  const refused = await send(4, { prefer: 'priority=low' });
  t.match(refused, { status: 503, body: { code: 'overloaded', detail: /low priority/ } });
  t.ok(Number(refused.headers.get('retry-after')) > 0);
  t.equal((await send(5)).status, 202);
});

t.test(
  'while the queue is unavailable, updates of low priority are refused and others go to PostgreSQL',
  withOneRedis,
  async (t) => {
    const backing = await withBacking(t);
    const api = await withApi(t, backing);
    const token = await api.createToken();
    const send = (counter: number, headers: Record<string, string> = {}) =>
      api.request(path, { token, headers, body: { updates: [setCell(counter, 1, 0.1)] } });
    t.equal((await send(1)).status, 202);
    await backing.redis.stop();
    t.equal((await send(2)).status, 202);
    const refused = await send(3, { prefer: 'priority=low' });
    t.match(refused, { status: 503, body: { code: 'queue_unavailable' } });
    t.ok(Number(refused.headers.get('retry-after')) > 0);
  },
);
