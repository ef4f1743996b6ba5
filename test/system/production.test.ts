/** In production, what is missing or unsafe ends the real process with a sentence that says which. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { withDatabase, withRedis } from '../support/servers/servers.ts';

type Env = Readonly<Record<string, string>>;

const root = fileURLToPath(new URL('../../', import.meta.url));
const secret = 'kV3x9QmT7wLzR2bNfH8sJdPcYgA5uE4o';
const safe = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://field:planted-password@127.0.0.1:1/field',
  QUEUE_REDIS_URL: 'redis://127.0.0.1:1/0',
  CACHE_REDIS_URL: 'redis://127.0.0.1:1/0',
  JWT_SECRET: secret,
  OPEN_REGISTRATION: 'false',
};

/** Runs a main until it ends by itself, without any setting of this process's own. */
function runToItsEnd(room: 'api' | 'workers', env: Env): Promise<{ code: number; said: string }> {
  const environment = { PATH: process.env.PATH ?? '', ...env };
  return new Promise((resolve) => {
    const options = { cwd: root, env: environment, timeout: 60_000 };
    execFile(process.execPath, ['--import', 'tsx', `${room}/main.ts`], options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, said: stdout + stderr });
    });
  });
}

const refusals: readonly [string, Env, RegExp][] = [
  ['no database', { DATABASE_URL: '' }, /^ {2}- DATABASE_URL is missing$/m],
  ['no queue', { QUEUE_REDIS_URL: '' }, /^ {2}- QUEUE_REDIS_URL is missing$/m],
  ['no cache', { CACHE_REDIS_URL: '' }, /^ {2}- CACHE_REDIS_URL is missing$/m],
  ['no secret', { JWT_SECRET: '' }, /^ {2}- JWT_SECRET .*is missing$/m],
  ['a short secret', { JWT_SECRET: secret.slice(1) }, /^ {2}- JWT_SECRET: .*32/m],
  [
    'no word on open registration',
    { OPEN_REGISTRATION: '' },
    /^ {2}- OPEN_REGISTRATION is missing: say true or false/m,
  ],
];

for (const room of ['api', 'workers'] as const) {
  t.test(`in production the process of ${room} refuses, and says why`, { timeout: 180_000 }, async (t) => {
    for (const [what, env, sentence] of refusals) {
      const { code, said } = await runToItsEnd(room, { ...safe, ...env });
      t.equal(code, 1, what);
      t.match(said, sentence);
      t.equal(said.match(/^ {2}- /gm)?.length, 1, 'that, and nothing else');
      t.notMatch(said, /planted-password|\bat .*\.ts/, 'without secrets or a stack');
    }
    const { code, said } = await runToItsEnd(room, { NODE_ENV: 'production' });
    t.equal(code, 1);
    for (const name of Object.keys(safe).filter((key) => key !== 'NODE_ENV')) t.match(said, name, 'all at once');
  });
}

t.test(
  'in production the API refuses a queue that is not safe, and says which setting',
  { timeout: 120_000 },
  async (t) => {
    const { url } = await withDatabase(t);
    const weak: readonly [Record<string, string>, RegExp][] = [
      [{ appendonly: 'no' }, /QUEUE_REDIS_URL: .*"memory".*appendonly yes/],
      [{ appendfsync: 'everysec' }, /QUEUE_REDIS_URL: .*"everysec".*appendfsync always/],
      [{ 'maxmemory-policy': 'allkeys-lru' }, /QUEUE_REDIS_URL: maxmemory-policy is "allkeys-lru".*noeviction/],
    ];
    for (const [settings, sentence] of weak) {
      const redis = await withRedis(t, { settings });
      const env = { DATABASE_URL: url, QUEUE_REDIS_URL: redis.queueUrl, CACHE_REDIS_URL: redis.cacheUrl };
      const { code, said } = await runToItsEnd('api', { ...safe, ...env, PORT: String(await findFreePort()) });
      t.equal(code, 1, JSON.stringify(settings));
      t.match(said, sentence);
    }
  },
);
