/** Receipts and health checks state how durable the servers are, whose settings change while the processes run. */
import { Redis } from 'ioredis';
import pg from 'pg';
import t, { type Test } from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { type TestApi, withApi } from '../api/support/with-app.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { withPostgres } from '../support/servers/postgres.ts';
import { withOneRedis, withRedis } from '../support/servers/servers.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const strict = { ALLOW_WEAK_DURABILITY: 'false' };

/** Sends one update after the other, and returns the durability that its receipt states. */
async function createSender(api: TestApi): Promise<() => Promise<string>> {
  const token = await api.createToken({ device: 'alice' });
  let counter = 0;
  return async () => {
    counter += 1;
    const body = { updates: [setCell(counter, 1, 0.5)] };
    const { status, body: receipt } = await api.request('/api/fields/garden/updates', { token, body });
    return status === 202 ? receipt.durability : `${status} ${receipt.code}`;
  };
}

async function waitForReceipt(send: () => Promise<string>, durability: string): Promise<void> {
  await waitUntil(`receipts say ${durability}`, async () => (await send()) === durability);
}

async function withClient(t: Test, url: string): Promise<Redis> {
  const redis = new Redis(url);
  redis.on('error', () => undefined); // The server is stopped by some tests.
  t.teardown(() => redis.disconnect());
  return redis;
}

t.test('receipts follow the settings of the queue while it runs', async (t) => {
  const queue = await withRedis(t);
  const backing = await withBacking(t, { QUEUE_REDIS_URL: queue.queueUrl, ...strict });
  const api = await withApi(t, backing);
  const redis = await withClient(t, queue.url);
  const send = await createSender(api);
  const detailOf = async () => {
    const { body } = await api.request('/api/health');
    return [body.status, body.checks.queue.detail];
  };
  await waitForReceipt(send, 'fsync');

  for (const [setting, weak, durability, detail] of [
    ['no-appendfsync-on-rewrite', 'yes', 'everysec', 'no-appendfsync-on-rewrite is yes'],
    ['appendonly', 'no', 'memory', 'appendonly is no; no-appendfsync-on-rewrite is yes'],
  ] as const) {
    await redis.config('SET', setting, weak);
    await waitForReceipt(send, durability);
    await waitUntil(
      'the health check names the settings',
      async () => (await detailOf()).join() === `degraded,${detail}`,
    );
  }
  await redis.config('SET', 'no-appendfsync-on-rewrite', 'no');
  await redis.config('SET', 'appendonly', 'yes');
  await waitForReceipt(send, 'fsync');
  await waitUntil('the health check has no detail', async () => (await detailOf())[1] === undefined);

  await redis.acl('SETUSER', 'default', '-config');
  await waitForReceipt(send, 'memory');
  await waitUntil('the health check says why', async () => /cannot be read/.test((await detailOf())[1]));
  await redis.acl('SETUSER', 'default', '+config');
  await waitForReceipt(send, 'fsync');
});

t.test('after a reconnect no receipt claims what was read before it', withOneRedis, async (t) => {
  const queue = await withRedis(t);
  const api = await withApi(t, await withBacking(t, { QUEUE_REDIS_URL: queue.queueUrl }));
  const redis = await withClient(t, queue.url);
  const send = await createSender(api);
  await waitForReceipt(send, 'fsync');
  await redis.config('SET', 'appendfsync', 'everysec');
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  const receipts = new Set<string>();
  await waitUntil('receipts say everysec', async () => {
    const durability = await send();
    receipts.add(durability);
    return durability === 'everysec';
  });
  t.notOk(receipts.has('fsync'), [...receipts].join());
});

t.test('receipts of the fallback queue follow the settings of PostgreSQL', withOneRedis, async (t) => {
  const postgres = await withPostgres(t);
  const queue = await withRedis(t);
  const workerPort = await findFreePort();
  const backing = await withBacking(t, {
    DATABASE_URL: postgres.url,
    QUEUE_REDIS_URL: queue.queueUrl,
    METRICS_PORT: String(workerPort),
    ...strict,
  });
  await withWorker(t, backing);
  const api = await withApi(t, backing, { METRICS_PORT: '' });
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  t.teardown(() => client.end());
  const set = async (setting: string, value: string) => {
    await client.query(`ALTER SYSTEM SET ${setting} = ${value}`);
    await client.query('SELECT pg_reload_conf()');
  };
  const send = await createSender(api);
  const readHealth = async () => {
    const ofWorker = await (await fetch(`http://127.0.0.1:${workerPort}/health`)).json();
    return [(await api.request('/api/health')).body, ofWorker];
  };
  await waitUntil('API and worker are healthy', async () =>
    (await readHealth()).every(({ status }) => status === 'healthy'),
  );
  await queue.stop();
  await waitForReceipt(send, 'postgres');

  for (const [setting, detail] of [
    ['synchronous_commit', 'synchronous_commit is off'],
    ['fsync', 'fsync is off; synchronous_commit is off'],
  ] as const) {
    await set(setting, 'off');
    await waitForReceipt(send, 'memory');
    await waitUntil('the health checks name the settings', async () =>
      (await readHealth()).every(({ status, checks }) => status === 'degraded' && checks.database.detail === detail),
    );
  }
  for (const setting of ['synchronous_commit', 'fsync']) await set(setting, 'on');
  await waitForReceipt(send, 'postgres');

  // Sessions that are open already keep their value; the next one of the fallback queue does not.
  await client.query('ALTER ROLE field SET synchronous_commit = off');
  await waitForReceipt(send, 'memory');
  await client.query('ALTER ROLE field RESET synchronous_commit');
  // Those that were opened in the meantime commit weakly until they end.
  await client.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = session_user',
  );
  await waitForReceipt(send, 'postgres');
  await queue.start();
  await waitForReceipt(send, 'fsync');
});
