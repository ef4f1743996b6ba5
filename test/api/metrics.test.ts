import { request } from 'node:http';
import t from 'tap';
import { applyUpdatesJob } from '../../shared/contract/job.ts';
import { outcomeSchema, resolutionSchema } from '../../shared/contract/receipt.ts';
import { errorTable } from '../../shared/errors.ts';
import { dependencies } from '../../shared/observability/process-metrics.ts';
import { queueNames } from '../../shared/queue/queue-metrics.ts';
import { jobStates } from '../../shared/queue/queue-stats.ts';
import { labelValues, readMetrics, sumOf } from '../support/measure/read-metrics.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openStream } from './support/stream-client.ts';
import { withApi } from './support/with-app.ts';

const field = asField('measured');
const path = `/api/fields/${field}`;

t.test('the API exposes its metrics', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const api = await withApi(t, backing, { MAX_BACKLOG: '777' });
  const token = await api.createToken();
  const send = (counter: number, prefer = 'wait=20') =>
    api.request(`${path}/updates`, { token, body: { updates: [setCell(counter, 1, 0.5)] }, headers: { prefer } });
  await send(1);
  await send(2);
  await api.request(path, { token });
  await api.request(path, { token });
  await api.request(path);
  const client = await openStream(t, api, { token, field });
  await client.find('snapshot');

  const samples = await readMetrics(`${api.address}/metrics`);
  const sum = (name: string, labels?: Record<string, string>) => sumOf(samples, name, labels);
  t.equal(sum('field_updates_accepted_total', { durability: 'fsync' }), 2);
  const posts = { route: '/api/fields/:field/updates', method: 'POST', status: '2xx' };
  t.equal(sum('field_http_request_duration_seconds_count', posts), 2);
  t.equal(sum('field_http_request_duration_seconds_count', { route: '/api/fields/:field', status: '4xx' }), 1);
  t.equal(sum('field_requests_refused_total', { code: 'unauthorized' }), 1);
  t.equal(sum('field_state_reads_total'), 2);
  t.equal(sum('field_streams_open', { transport: 'websocket' }), 1);
  t.equal(sum('field_snapshots_sent_total'), 1);
  t.equal(sum('field_queue_backlog_limit'), 777);
  for (const dependency of dependencies) t.equal(sum('field_dependency_up', { dependency }), 1, dependency);
  t.equal(sum('field_durability_weak', { dependency: 'queue' }), 0);
  t.equal(sum('field_durability_weak', { dependency: 'postgres' }), 1, 'the PostgreSQL of the tests does not fsync');
  t.equal(sum('field_database_pool_max_connections'), backing.config.DATABASE_POOL_SIZE);
  t.ok((sum('field_database_pool_connections') ?? 0) >= 1);
  t.ok((sum('nodejs_eventloop_lag_p99_seconds') ?? 0) > 0);
});

t.test('the API exposes the jobs of both queues and the age of the oldest', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing);
  const addAt = (timestamp: number) =>
    backing.producer.queues.first.add(applyUpdatesJob, jobOf(field, asDevice('early'), [setCell(1, 1, 0.5)]), {
      timestamp,
    });
  await addAt(Date.now() - 60_000);
  await addAt(Date.now());
  const samples = await waitUntil('both queues have been read', async () => {
    const seen = await readMetrics(`${api.address}/metrics`);
    return queueNames.every((queue) => sumOf(seen, 'field_queue_jobs', { queue }) !== undefined) && seen;
  });
  t.equal(sumOf(samples, 'field_queue_jobs', { queue: 'redis', state: 'waiting' }), 2);
  t.equal(sumOf(samples, 'field_queue_jobs', { queue: 'postgres' }), 0);
  t.equal(sumOf(samples, 'field_queue_oldest_job_age_seconds', { queue: 'postgres' }), 0);
  t.ok(
    (sumOf(samples, 'field_queue_oldest_job_age_seconds', { queue: 'redis' }) ?? 0) >= 60,
    'of the oldest, not the newest',
  );
});

t.test('a queue that is unavailable has no job metrics, and is reported as down', async (t) => {
  const queue = await withRedis(t);
  const backing = await withBacking(t, { QUEUE_REDIS_URL: queue.queueUrl });
  const api = await withApi(t, backing, { METRICS_PORT: '0' });
  await queue.stop();
  const samples = await waitUntil('the metrics show it', async () => {
    const seen = await readMetrics(`${api.address}/metrics`);
    const isQueueDown = sumOf(seen, 'field_dependency_up', { dependency: 'queue' }) === 0;
    return isQueueDown && sumOf(seen, 'field_queue_jobs', { queue: 'postgres' }) === 0 && seen;
  });
  t.equal(sumOf(samples, 'field_queue_jobs', { queue: 'redis' }), undefined);
  t.equal(sumOf(samples, 'field_dependency_up', { dependency: 'postgres' }), 1);
});

t.test('labels only take known values, whatever is requested', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const api = await withApi(t, backing, { ADMIN_PASSWORD: 'a password for tests' });
  const token = await api.createToken();
  await api.request(`${path}/updates`, {
    token,
    body: { updates: [setCell(1, 1, 0.5)] },
    headers: { prefer: 'wait=20' },
  });
  const documented = Object.keys((await api.request('/docs/json')).body.paths).map((route) =>
    route.replace(/\{(\w+)\}/g, ':$1'),
  );
  const knownRoutes = new Set([...documented, 'none', '/api', '/metrics']);
  const isKnown: Record<string, (value: string) => boolean> = {
    route: (route) => knownRoutes.has(route) || /^\/(docs|admin\/queues)/.test(route) || route === '*',
    method: (method) => /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|other)$/.test(method),
    status: (status) => /^[1-5]xx$/.test(status),
    code: (code) => code in errorTable,
    dependency: (name) => (dependencies as readonly string[]).includes(name),
    queue: (name) => (queueNames as readonly string[]).includes(name),
    state: (name) => [...jobStates, 'used', 'free'].includes(name),
    transport: (name) => ['websocket', 'sse'].includes(name),
    cache: (name) => ['hit', 'miss', 'bypass'].includes(name),
    durability: (name) => ['fsync', 'everysec', 'memory', 'postgres'].includes(name),
    outcome: (name) => outcomeSchema.safeParse(name).success,
    resolution: (name) => resolutionSchema.safeParse(name).success,
    le: (bound) => bound === '+Inf' || Number.isFinite(Number(bound)),
  };
  await readMetrics(`${api.address}/metrics`); // A request that is counted itself.
  const series = new Set<string>();
  for (let round = 0; round < 2; round++) {
    await sendHostileRequest(api.address, token, round);
    const samples = await readMetrics(`${api.address}/metrics`);
    for (const [key, values] of labelValues(samples.filter(({ name }) => name.startsWith('field_')))) {
      const known = isKnown[key.split(' ')[1] ?? ''];
      t.ok(known, `${key} is a known label`);
      t.same(
        [...values].filter((value) => !known?.(value)),
        [],
        key,
      );
      for (const value of values) {
        if (round > 0) t.ok(series.has(`${key} ${value}`), `${key} ${value} existed before`);
        series.add(`${key} ${value}`);
      }
    }
  }
});

/** The same kinds of invalid requests in every round, with different values. */
async function sendHostileRequest(address: string, token: string, round: number): Promise<void> {
  const word = (text: string) => `${text}${round}${Math.random().toString(36).slice(2)}`;
  const paths = () => [
    `/${word('nowhere')}`,
    `/api/fields/${word('f')}`,
    `/api/fields/${word('F%00')}`,
    `/api/fields/${'x'.repeat(300)}${round}`,
    `/api/fields/${word('f')}/updates/${word('device')}/${round + 1}`,
    `/api/fields/measured?${word('query')}=1`,
    `/api/${word('..%2f')}`,
    `/docs/${word('static')}`,
    `/admin/queues/api/queues/${word('queue')}/1`,
    `/%E0%A4%A${round}`,
  ];
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND', 'MKCOL', 'TRACE', 'REPORT'];
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', [word('x-')]: word('"\\n') };
  for (const method of methods) {
    for (const target of paths()) await sendRequest(`${address}${target}`, method, headers);
  }
  for (const body of [`{"updates":[{"kind":"${word('kind')}"}]}`, word('{'), '[]']) {
    await fetch(`${address}/api/fields/measured/updates`, { method: 'POST', headers, body });
  }
}

/** Not with `fetch`, which refuses some methods. */
function sendRequest(url: string, method: string, headers: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => response.resume().on('end', () => resolve()));
    sent.on('error', reject).end();
  });
}
