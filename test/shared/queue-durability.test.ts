import type { Redis } from 'ioredis';
import t from 'tap';
import { createLogger } from '../../shared/process/logger.ts';
import { readQueueDurability } from '../../shared/queue/redis-health.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { withCluster, withOneRedis, withRedis } from '../support/servers/servers.ts';
import { waitUntil } from '../support/wait-until.ts';

const log = createLogger({ name: 'test', level: 'silent' });

t.test('the settings of Redis determine the durability', withOneRedis, async (t) => {
  const { url } = await withRedis(t);
  const redis = connectRedis(url, 'test', log, {});
  t.teardown(() => redis.disconnect());
  t.same(await readQueueDurability(redis), { durability: 'fsync', weaknesses: [] });
  for (const [setting, weak, strong, durability] of [
    ['no-appendfsync-on-rewrite', 'yes', 'no', 'everysec'],
    ['appendfsync', 'everysec', 'always', 'everysec'],
    ['appendfsync', 'no', 'always', 'memory'],
    ['appendonly', 'no', 'yes', 'memory'],
    ['maxmemory-policy', 'allkeys-lru', 'noeviction', 'memory'],
    ['maxmemory-policy', 'volatile-lru', 'noeviction', 'fsync'],
  ] as const) {
    await redis.config('SET', setting, weak);
    t.same(await readQueueDurability(redis), { durability, weaknesses: [`${setting} is ${weak}`] });
    await redis.config('SET', setting, strong);
  }
  await redis.acl('SETUSER', 'default', '-config');
  t.same(await readQueueDurability(redis), { durability: 'memory', weaknesses: ['its settings cannot be read'] });
});

t.test('a cluster is as durable as its weakest master', async (t) => {
  const { url } = await withCluster(t);
  const redis = connectRedis(url, 'test', log, {});
  t.teardown(() => redis.disconnect());
  await waitUntil('the cluster is connected', () => redis.status === 'ready');
  t.same(await readQueueDurability(redis), { durability: 'fsync', weaknesses: [] });
  const masters = (redis as unknown as { nodes(role: 'master'): Redis[] }).nodes('master');
  t.equal(masters.length, 3);
  await masters[2]?.config('SET', 'appendfsync', 'everysec');
  t.same(await readQueueDurability(redis), { durability: 'everysec', weaknesses: ['appendfsync is everysec'] });
});
