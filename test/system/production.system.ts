/** In production, a missing or unsafe setting makes the process exit with a message that names it. */
import t from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { runUntilExit } from '../support/processes/run-until-exit.ts';
import { withPostgres } from '../support/servers/postgres.ts';
import { queryPostgres } from '../support/servers/query-postgres.ts';
import { withDatabase, withRedis } from '../support/servers/servers.ts';

const secret = 'kV3x9QmT7wLzR2bNfH8sJdPcYgA5uE4o';
const safe = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://field:planted-password@127.0.0.1:1/field',
  QUEUE_REDIS_URL: 'redis://127.0.0.1:1/0',
  CACHE_REDIS_URL: 'redis://127.0.0.1:1/0',
  JWT_SECRET: secret,
  OPEN_REGISTRATION: 'false',
};

type InvalidSetting = readonly [name: string, value: string, message: RegExp];
/** Each message alone is tested by the unit tests of the configuration. */
const ofAllProcesses: readonly InvalidSetting[] = [
  ['DATABASE_URL', '', /^ {2}- DATABASE_URL is missing$/m],
  ['QUEUE_REDIS_URL', '', /^ {2}- QUEUE_REDIS_URL is missing$/m],
  ['CACHE_REDIS_URL', 'http://127.0.0.1', /^ {2}- CACHE_REDIS_URL: /m],
];
const ofTheApi: readonly InvalidSetting[] = [
  ['JWT_SECRET', secret.slice(1), /^ {2}- JWT_SECRET: .*32/m],
  ['OPEN_REGISTRATION', '', /^ {2}- OPEN_REGISTRATION is missing: set true or false/m],
];

for (const [component, invalidSettings] of [
  ['api', [...ofAllProcesses, ...ofTheApi]],
  ['workers', ofAllProcesses],
] as const) {
  t.test(`in production ${component}/main.ts rejects invalid settings and names each of them`, async (t) => {
    const env = Object.fromEntries([...ofAllProcesses, ...ofTheApi].map(([name, value]) => [name, value]));
    const { code, output } = await runUntilExit(component, { ...safe, ...env });
    t.equal(code, 1);
    for (const [name, , message] of invalidSettings) t.match(output, message, name);
    t.equal(output.match(/^ {2}- /gm)?.length, invalidSettings.length, 'no other message');
    t.notMatch(output, /planted-password|\bat .*\.[jt]s/, 'no secrets and no stack trace');
  });
}

t.test('in production the API rejects a queue that is not durable and names the Redis setting', async (t) => {
  const { url } = await withDatabase(t);
  const weak: readonly [Record<string, string>, RegExp][] = [
    [{ appendonly: 'no' }, /QUEUE_REDIS_URL: .*"memory".*appendonly yes/],
    [{ appendfsync: 'everysec' }, /QUEUE_REDIS_URL: .*"everysec".*appendfsync always/],
    [{ 'no-appendfsync-on-rewrite': 'yes' }, /QUEUE_REDIS_URL: .*"everysec".*no-appendfsync-on-rewrite is yes/],
    [{ 'maxmemory-policy': 'allkeys-lru' }, /QUEUE_REDIS_URL: .*maxmemory-policy is allkeys-lru.*noeviction/],
  ];
  for (const [settings, message] of weak) {
    const redis = await withRedis(t, { settings });
    const env = { DATABASE_URL: url, QUEUE_REDIS_URL: redis.queueUrl, CACHE_REDIS_URL: redis.cacheUrl };
    const { code, output } = await runUntilExit('api', { ...safe, ...env, PORT: String(await findFreePort()) });
    t.equal(code, 1, JSON.stringify(settings));
    t.match(output, message);
  }
});

for (const component of ['api', 'workers'] as const) {
  t.test(
    `in production ${component}/main.ts rejects a PostgreSQL that may lose commits and names its setting`,
    async (t) => {
      const [postgres, redis] = [await withPostgres(t), await withRedis(t)];
      await queryPostgres(postgres.url, 'ALTER ROLE field SET synchronous_commit = off');
      const urls = { DATABASE_URL: postgres.url, QUEUE_REDIS_URL: redis.queueUrl, CACHE_REDIS_URL: redis.cacheUrl };
      const { code, output } = await runUntilExit(component, { ...safe, ...urls, PORT: String(await findFreePort()) });
      t.equal(code, 1);
      t.match(output, /^ {2}- DATABASE_URL: .*synchronous_commit is off.*ALLOW_WEAK_DURABILITY=true$/m);
      t.equal(output.match(/^ {2}- /gm)?.length, 1, 'no other message');
    },
  );
}
