/** What operators see of the last hour: all workers together count what they apply, and how long it took. */
import t from 'tap';
import { addTraffic, estimateQuantile, latencyBoundsMs, readTraffic } from '../../shared/observability/traffic.ts';
import { TrafficRecorder } from '../../workers/observe/traffic-recorder.ts';
import { withApi } from '../api/support/with-app.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';

const minuteMs = 60_000;
const field = asField('garden');
const none = latencyBoundsMs.map(() => 0);
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

t.test('a quantile is the upper bound of its class', async (t) => {
  const latencies = [...none, 0];
  t.equal(estimateQuantile(latencies, 0.5), undefined);
  [latencies[0], latencies[3]] = [98, 2];
  t.equal(estimateQuantile(latencies, 0.5), latencyBoundsMs[0]);
  t.equal(estimateQuantile(latencies, 0.98), latencyBoundsMs[0]);
  t.equal(estimateQuantile(latencies, 0.99), latencyBoundsMs[3]);
  t.equal(estimateQuantile([...none, 1], 0.5), latencyBoundsMs.at(-1), 'the last class has no upper bound');
});

t.test('the counts of all workers are added up by minutes, for an hour', async (t) => {
  const { cacheRedis: redis, keys, log } = await withBacking(t);
  const now = Date.now();
  const ago = (minutes: number) => now - (now % minuteMs) - minutes * minuteMs;
  const recorders = [1, 2].map(() => new TrafficRecorder({ redis, keys, log }));
  const grant = { pattern: '*' };
  for (const recorder of recorders) {
    const at = ago(1) + 30_000;
    const request = { ...jobOf(field, asDevice('phone-1'), [setCell(1, 1, 0.5)]), acceptedAt: at - 12 };
    recorder.record(
      {
        jobs: new Map([[field, [{ ...request, grant }, { ...request, grant, acceptedAt: at - 1e9 }, request]]]),
        applied: new Map([[field, { results: [{}, {}, {}], updates: [{}, {}, {}], commit: { conflicts: [{}] } }]]),
        unpublished: new Set(),
      } as never,
      at,
    );
  }
  for (const recorder of recorders) await recorder.close();
  await addTraffic(redis, keys, [{ at: ago(59), updates: 7, conflicts: 0, latencies: [] }]);
  await addTraffic(redis, keys, [{ at: ago(61), updates: 1000, conflicts: 0, latencies: [] }]);

  const minutes = await readTraffic(redis, keys, now);
  t.equal(minutes.length, 60);
  t.same([minutes[0]?.at, minutes.at(-1)?.at], [ago(60), ago(1)]);
  t.equal(sum(minutes.map(({ updates }) => updates)), 13, 'what is older than an hour is not counted');
  t.equal(minutes[1]?.updates, 7);
  t.match(minutes.at(-1), { updates: 6, conflicts: 2 });
  const latencies = minutes.at(-1)?.latencies ?? [];
  t.equal(latencies[latencyBoundsMs.indexOf(15)], 2, 'of 12 ms');
  t.equal(latencies.at(-1), 2, 'of days');
  t.equal(sum(latencies), 4, 'the jobs of `enqueue`, which wait on purpose, do not count');
  for (const key of await redis.keys('*traffic*')) t.ok((await redis.ttl(key)) > minuteMs / 1000, 'a key expires');
});

t.test('a worker counts what it applies, and writes it at the latest when it stops', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing);
  const worker = await withWorker(t, backing);
  const updates = [setCell(1, 1, 0.5), setCell(2, 1, 0.6)];
  await api.request('/api/fields/garden/updates', { token: await api.createToken(), body: { updates } });
  await waitForVersion(backing, field, 2);
  await worker.stop();
  // In the minute that follows, the one of the test has ended.
  const minutes = await readTraffic(backing.cacheRedis, backing.keys, Date.now() + minuteMs);
  t.equal(sum(minutes.map((minute) => minute.updates)), 2);
  t.equal(sum(minutes.map(({ latencies }) => sum(latencies))), 1, 'one request');
});
