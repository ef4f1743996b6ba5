import t from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { applyUpdatesJob } from '../../shared/contract/job.ts';
import { outcomeSchema, resolutionSchema } from '../../shared/contract/receipt.ts';
import { dependencies } from '../../shared/observability/process-metrics.ts';
import { ownTasks, sharedTasks } from '../../workers/maintenance/scheduler.ts';
import { labelValues, readMetrics, sumOf } from '../support/measure/read-metrics.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('measured');

t.test('a worker counts the updates it settles, using only documented label values', async (t) => {
  const port = await findFreePort();
  const backing = await withBacking(t, { METRICS_PORT: String(port) });
  const { producer } = backing;
  const send = (device: string, updates: Parameters<typeof jobOf>[2], acceptedAt: number) =>
    producer.enqueue({ ...jobOf(field, asDevice(device), updates), acceptedAt, grant: { pattern: '*' } });
  const anHourAgo = Date.now() - 3_600_000;
  await send('alice', [setCell(1, 1, 0.1), setCell(2, 2, 0.2)], anHourAgo);
  await send('alice', [setCell(1, 1, 0.1)], Date.now());
  await send('alice', [setCell(2, 2, 0.9)], Date.now() + 60_000);
  // As the command `enqueue` does: without a grant.
  await producer.enqueue(jobOf(field, asDevice('bob'), [setCell(1, 1, 0.7)]));
  await producer.queues.first.add(applyUpdatesJob, jobOf(field, asDevice('mallory'), [setCell(1, 99, 0.1)]));
  await withWorker(t, backing);
  await waitForVersion(backing, field, 3);
  const url = `http://127.0.0.1:${port}/metrics`;
  const samples = await waitUntil('every update is counted', async () => {
    const seen = await readMetrics(url);
    const settled = sumOf(seen, 'field_updates_settled_total');
    return settled === 5 && sumOf(seen, 'field_jobs_failed_total') === 1 && seen;
  });
  const sum = (name: string, labels?: Record<string, string>) => sumOf(samples, name, labels);
  t.ok((sum('field_hot_fields_bytes') ?? 0) > 2000, 'the field is in memory');
  t.equal(sum('field_updates_settled_total', { outcome: 'applied' }), 2);
  t.equal(sum('field_updates_settled_total', { outcome: 'duplicate' }), 1);
  t.equal(sum('field_updates_settled_total', { outcome: 'reused' }), 1);
  t.equal(sum('field_updates_settled_total', { outcome: 'conflict' }), 1);
  t.equal(sum('field_conflicts_total'), 1);
  const commits = sum('field_commit_duration_seconds_count');
  t.ok(commits && commits >= 1);
  for (const name of ['field_publish_duration_seconds', 'field_batch_jobs', 'field_batch_fields']) {
    t.equal(sum(`${name}_count`), commits, name);
  }
  t.equal(sum('field_batch_updates_sum'), 5);
  for (const name of ['field_applied_lag_seconds', 'field_visible_lag_seconds']) {
    t.equal(sum(`${name}_count`), 3, `${name} has one sample per request of a device`);
    t.equal(sum(`${name}_bucket`, { le: '1800' }), 2, 'one of them had waited for an hour');
    const seconds = sum(`${name}_sum`) ?? 0;
    t.ok(seconds >= 3600, 'the unit is seconds');
  }
  for (const dependency of dependencies) t.equal(sum('field_dependency_up', { dependency }), 1, dependency);
  t.equal(sum('field_durability_weak', { dependency: 'postgres' }), 1, 'the PostgreSQL of the tests does not fsync');

  const isKnown: Record<string, (value: string) => boolean> = {
    outcome: (name) => outcomeSchema.safeParse(name).success,
    resolution: (name) => resolutionSchema.safeParse(name).success,
    dependency: (name) => (dependencies as readonly string[]).includes(name),
    task: (name) => name in sharedTasks || name in ownTasks,
    state: (name) => ['used', 'free'].includes(name),
    le: (bound) => bound === '+Inf' || Number.isFinite(Number(bound)),
  };
  for (const [key, values] of labelValues(samples.filter(({ name }) => name.startsWith('field_')))) {
    const known = isKnown[key.split(' ')[1] ?? ''];
    t.same(
      [...values].filter((value) => !known?.(value)),
      [],
      key,
    );
  }
});

t.test('the health endpoints of a worker report outages of the cache and the queue', async (t) => {
  const port = await findFreePort();
  const [queue, cache] = [await withRedis(t), await withRedis(t)];
  const backing = await withBacking(t, {
    METRICS_PORT: String(port),
    QUEUE_REDIS_URL: queue.queueUrl,
    CACHE_REDIS_URL: cache.cacheUrl,
  });
  const worker = await withWorker(t, backing);
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const isHealth = async (status: string) => (await ask('/health')).body.status === status;

  await waitUntil('it is healthy', () => isHealth('healthy'));
  t.match(await ask('/health/live'), { status: 200, body: { status: 'live' } });
  t.match(await ask('/health/ready'), { status: 200, body: { status: 'ready' } });

  await cache.stop();
  await waitUntil('the worker detects that the cache is down', () => isHealth('degraded'));
  t.match((await ask('/health')).body.checks, { cache: { status: 'down' }, queue: { status: 'up' } });
  t.equal((await ask('/health/ready')).status, 200, 'it is ready without the cache');

  await queue.stop();
  await waitUntil('the worker detects that the queue is down', async () => {
    const { body } = await ask('/health');
    return (body.checks as { queue: { status: string } }).queue.status === 'down';
  });
  t.equal((await ask('/health/ready')).status, 200, 'it is ready because it still consumes the fallback queue');

  await Promise.all([queue.start(), cache.start()]);
  await waitUntil('it is healthy again', () => isHealth('healthy'));
  t.equal((await ask('/nowhere')).status, 404);
  t.equal((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status, 405);
  await worker.stop();
  await t.rejects(fetch(`http://127.0.0.1:${port}/health/live`), 'the server stops with the worker');
});
