import { once } from 'node:events';
import type { Cluster, Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { connectRedis, listServers } from '../../shared/redis/connect.ts';
import { withCluster } from '../support/servers/servers.ts';
import { waitUntil } from '../support/wait-until.ts';

t.test('a connection to a cluster that is away can be ended at any time, and tells whoever waits', async (t) => {
  const log = createLogger({ name: 'test', level: 'silent' });
  const url = `redis://127.0.0.1:${await findFreePort()}?cluster=true`;
  const first = connectRedis(url, 'test', log, { retryStrategy: () => 60_000 });
  // As BullMQ makes its own of the one that it is given.
  const second = first.duplicate();
  second.on('error', () => undefined);
  for (const redis of [first, second]) {
    await waitUntil('it is between two attempts', async () => redis.status === 'reconnecting');
    await assertDisconnects(t, redis);
    // As BullMQ does once its wait for a job has failed, and may be stopped in the same moment.
    const connecting = redis.connect();
    connecting.catch(() => undefined);
    await assertDisconnects(t, redis);
    await t.rejects(connecting);
  }
});

async function assertDisconnects(t: Test, redis: Redis): Promise<void> {
  const answer = redis.bzpopmin('key', 60);
  const ended = once(redis, 'end', { signal: AbortSignal.timeout(5000) });
  redis.disconnect();
  await t.rejects(answer);
  await t.resolves(ended, 'it says so');
  t.equal(redis.status, 'end');
}

t.test('a connection to a cluster has ended once, whichever of its nodes is the last to go', async (t) => {
  const cluster = await withCluster(t);
  const log = createLogger({ name: 'test', level: 'silent' });
  for (const end of [async (redis: Redis) => redis.disconnect(), async (redis: Redis) => redis.quit()]) {
    const redis = connectRedis(cluster.url, 'test', log);
    await once(redis, 'ready');
    const nodes = listServers(redis);
    t.equal((await Promise.all(nodes.map((node) => node.ping()))).length, 3, 'it is connected to all of them');
    const statuses: string[] = [];
    for (const status of ['close', 'end']) redis.on(status, () => statuses.push(status));
    const gone = nodes.map((node) => once(node, 'end'));
    await end(redis);
    await Promise.all(gone);
    await new Promise(setImmediate);
    t.equal(redis.status, 'end');
    t.same(statuses, ['close', 'end']);
  }
});

t.test('a connection to a cluster that ends while it asks for the slots asks no more', async (t) => {
  const { url } = await withCluster(t);
  const redis = connectRedis(url, 'test', createLogger({ name: 'test', level: 'silent' }));
  const cluster = redis as unknown as Cluster;
  cluster.options.slotsRefreshInterval = 20; // Of 5 s.
  await once(redis, 'ready');
  const isAsking = () => Reflect.get(cluster, 'isRefreshing') === true;
  while (!isAsking()) await new Promise(setImmediate);
  const ended = once(redis, 'end');
  redis.disconnect();
  t.ok(isAsking(), 'the answer is still to come');
  await ended;
  while (isAsking()) await new Promise(setImmediate);
  t.equal(Reflect.get(cluster, 'slotsTimer'), null);
});

t.test('whoever waits for a connection to a cluster that is not whole yet is told of its end', async (t) => {
  const { url, port } = await withCluster(t);
  const log = createLogger({ name: 'test', level: 'silent' });
  const whole = connectRedis(url, 'test', log);
  t.teardown(() => whole.disconnect());
  await once(whole, 'ready');
  const nodes = (whole as unknown as Cluster).nodes();
  const slot = 0; // The first node's: the one that the address names.
  await Promise.all(nodes.map((node) => node.cluster('DELSLOTS', slot)));
  await waitUntil('none of them finds it whole', async () => {
    const states = await Promise.all(nodes.map((node) => node.cluster('INFO')));
    return states.every((state) => String(state).includes('cluster_state:fail'));
  });

  const redis = connectRedis(url, 'test', log, { retryStrategy: () => 50, lazyConnect: true });
  const told = redis.connect();
  await once(redis, 'connect'); // It has learnt the slots.
  redis.disconnect();
  await t.rejects(told, { message: 'Connection is closed.' });

  await t.rejects(redis.connect(), { message: 'Connection is closed.' }, 'it has to begin again');
  const again = once(redis, 'ready'); // Which it does by itself.
  await nodes.find(({ options }) => options.port === port)?.cluster('ADDSLOTS', slot);
  await again;
  const ended = once(redis, 'end');
  redis.disconnect();
  await t.resolves(ended);
});
