import { once } from 'node:events';
import type { Cluster, Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { connectRedis, listServers } from '../../shared/redis/connect.ts';
import { withCluster } from '../support/servers/servers.ts';
import { waitUntil } from '../support/wait-until.ts';

t.test('a connection to an unavailable cluster can be ended at any time and rejects pending commands', async (t) => {
  const log = createLogger({ name: 'test', level: 'silent' });
  const url = `redis://127.0.0.1:${await findFreePort()}?cluster=true`;
  const first = connectRedis(url, 'test', log, { retryStrategy: () => 60_000 });
  // BullMQ duplicates the connection that it is given.
  const second = first.duplicate();
  second.on('error', () => undefined);
  for (const redis of [first, second]) {
    await waitUntil('the connection is between two attempts', async () => redis.status === 'reconnecting');
    await assertDisconnects(t, redis);
    // BullMQ reconnects after its wait for a job has failed, and may be closed at the same moment.
    const connecting = redis.connect();
    connecting.catch(() => undefined);
    await assertDisconnects(t, redis);
    await t.rejects(connecting);
  }
});

async function assertDisconnects(t: Test, redis: Redis): Promise<void> {
  const pending = redis.bzpopmin('key', 60);
  const ended = once(redis, 'end', { signal: AbortSignal.timeout(5000) });
  redis.disconnect();
  await t.rejects(pending);
  await t.resolves(ended, 'the connection emits end');
  t.equal(redis.status, 'end');
}

t.test('a connection to a cluster emits close and end once when its nodes have disconnected', async (t) => {
  const cluster = await withCluster(t);
  const log = createLogger({ name: 'test', level: 'silent' });
  for (const end of [async (redis: Redis) => redis.disconnect(), async (redis: Redis) => redis.quit()]) {
    const redis = connectRedis(cluster.url, 'test', log);
    await once(redis, 'ready');
    const nodes = listServers(redis);
    t.equal((await Promise.all(nodes.map((node) => node.ping()))).length, 3, 'the connection has all three nodes');
    const statuses: string[] = [];
    for (const status of ['close', 'end']) redis.on(status, () => statuses.push(status));
    const disconnected = nodes.map((node) => once(node, 'end'));
    await end(redis);
    await Promise.all(disconnected);
    await new Promise(setImmediate);
    t.equal(redis.status, 'end');
    t.same(statuses, ['close', 'end']);
  }
});

t.test('a connection that ends during a refresh of the slots schedules no further refresh', async (t) => {
  const { url } = await withCluster(t);
  const redis = connectRedis(url, 'test', createLogger({ name: 'test', level: 'silent' }));
  const cluster = redis as unknown as Cluster;
  // The default of 5 s would make the test slow.
  cluster.options.slotsRefreshInterval = 20;
  await once(redis, 'ready');
  const isRefreshing = () => Reflect.get(cluster, 'isRefreshing') === true;
  while (!isRefreshing()) await new Promise(setImmediate);
  const ended = once(redis, 'end');
  redis.disconnect();
  t.ok(isRefreshing(), 'the refresh is in progress');
  await ended;
  while (isRefreshing()) await new Promise(setImmediate);
  t.equal(Reflect.get(cluster, 'slotsTimer'), null);
});

t.test('ending a connection rejects a pending connect while the cluster has unassigned slots', async (t) => {
  const { url, port } = await withCluster(t);
  const log = createLogger({ name: 'test', level: 'silent' });
  const admin = connectRedis(url, 'test', log);
  t.teardown(() => admin.disconnect());
  await once(admin, 'ready');
  const nodes = (admin as unknown as Cluster).nodes();
  // Slot 0 belongs to the first node, to which the URL points.
  const slot = 0;
  await Promise.all(nodes.map((node) => node.cluster('DELSLOTS', slot)));
  await waitUntil('every node reports the cluster as failed', async () => {
    const states = await Promise.all(nodes.map((node) => node.cluster('INFO')));
    return states.every((state) => String(state).includes('cluster_state:fail'));
  });

  const redis = connectRedis(url, 'test', log, { retryStrategy: () => 50, lazyConnect: true });
  const connecting = redis.connect();
  // The connection knows the slots after this event.
  await once(redis, 'connect');
  redis.disconnect();
  await t.rejects(connecting, { message: 'Connection is closed.' });

  await t.rejects(redis.connect(), { message: 'Connection is closed.' }, 'the first attempt fails');
  // The connection retries by itself.
  const ready = once(redis, 'ready');
  await nodes.find(({ options }) => options.port === port)?.cluster('ADDSLOTS', slot);
  await ready;
  const ended = once(redis, 'end');
  redis.disconnect();
  await t.resolves(ended);
});
