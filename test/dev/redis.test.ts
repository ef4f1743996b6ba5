import { Redis } from 'ioredis';
import t from 'tap';
import { withOneRedis, withRedis } from '../support/servers/servers.ts';

function connect(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  // Without a listener ioredis logs the error. The commands are rejected with it.
  redis.on('error', () => {});
  return redis;
}

async function ask<T>(url: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = connect(url);
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

t.test('Redis keeps acknowledged writes through a kill -9', async (t) => {
  const server = await withRedis(t);
  const before = server.pid;
  await ask(server.url, (redis) => redis.set('kept', 'yes'));
  await server.kill9();
  await t.rejects(ask(server.url, (redis) => redis.ping()));
  await server.start();
  t.equal(await ask(server.url, (redis) => redis.get('kept')), 'yes');
  t.not(server.pid, before);
});

t.test('Redis keeps its data when it is stopped and started on the same port', withOneRedis, async (t) => {
  const server = await withRedis(t);
  await ask(server.cacheUrl, (redis) => redis.set('kept', 'yes'));
  await server.stop();
  await server.start();
  t.equal(await ask(server.cacheUrl, (redis) => redis.get('kept')), 'yes');
  t.equal(await ask(server.queueUrl, (redis) => redis.get('kept')), null, 'the queue uses another database');
});

t.test('Redis has durable settings, does not evict keys and requires a password', async (t) => {
  const server = await withRedis(t);
  const config = await ask(server.url, (redis) => redis.config('GET', 'append*', 'maxmemory-policy'));
  const settings = Object.fromEntries(pairs(config as string[]));
  t.match(settings, { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' });
  await t.rejects(
    ask(`redis://127.0.0.1:${server.port}/0`, (redis) => redis.get('x')),
    /NOAUTH/,
  );
});

t.test('a test can override settings of Redis', async (t) => {
  const server = await withRedis(t, { settings: { appendfsync: 'everysec' } });
  t.same(await ask(server.url, (redis) => redis.config('GET', 'appendfsync')), ['appendfsync', 'everysec']);
});

function pairs(list: string[]): [string, string][] {
  return list.flatMap((key, index) => (index % 2 === 0 ? [[key, list[index + 1] ?? ''] as [string, string]] : []));
}
