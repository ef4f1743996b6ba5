import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import t from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { createProcessGroup } from '../../dev/processes/process-group.ts';
import { startRedis } from '../../dev/redis/server.ts';
import { withOneRedis, withRedis } from '../support/servers/servers.ts';
import { withFolder } from '../support/with-folder.ts';

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

t.test("only the owner can read Redis' data, log and configuration", async (t) => {
  const folder = await withFolder(t);
  await mkdir(join(folder, 'redis'), { mode: 0o755 });
  await writeFile(join(folder, 'redis.log'), '', { mode: 0o644 });
  const group = createProcessGroup();
  t.teardown(() => group.stop());
  const options = { binary: process.env.TEST_REDIS_SERVER ?? 'redis-server', password: 'secret', start: group.start };
  await startRedis({ ...options, folder, port: await findFreePort() });
  const modeOf = async (name: string) => (await stat(join(folder, name))).mode & 0o777;
  t.equal(await modeOf('redis'), 0o700);
  t.equal(await modeOf('redis.log'), 0o600);
  t.equal(await modeOf('redis.conf'), 0o600);
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
