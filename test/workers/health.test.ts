import t from 'tap';
import { connectDatabase } from '../../db/connect.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { createWorkerHealthCheck } from '../../workers/observe/health-check.ts';
import { withDatabase, withRedis } from '../support/servers/servers.ts';

t.test('a worker is ready as soon as it consumes, although a check before it said that it was not', async (t) => {
  const [{ url }, { cacheUrl }] = [await withDatabase(t), await withRedis(t)];
  const log = createLogger({ name: 'test', level: 'silent' });
  const db = connectDatabase({ url, poolSize: 1, applicationName: 'test', log });
  t.teardown(() => db.destroy());
  const redis = connectRedis(cacheUrl, 'cache', log);
  t.teardown(() => redis.disconnect());
  let isConsuming = false;
  const check = createWorkerHealthCheck({
    ...{ db, cacheRedis: redis, queueRedis: redis, leases: { isMember: true } },
    commitDurability: { weaknesses: [] },
    allowsWeakDurability: false,
    isConsuming: () => isConsuming,
    log,
  });
  t.match(await check(), { isReady: false });
  isConsuming = true;
  t.match(await check(), { isReady: true });
  isConsuming = false;
  t.match(await check(), { isReady: false }, 'and not as soon as it stops');
});
