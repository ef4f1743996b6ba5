import t from 'tap';
import { type Config, ConfigError, loadConfig } from '../../../shared/config/config.ts';

type Env = Record<string, string | undefined>;

const minimal = {
  DATABASE_URL: 'postgres://field@localhost/field',
  QUEUE_REDIS_URL: 'redis://localhost:6379',
  CACHE_REDIS_URL: 'rediss://localhost:6380',
  JWT_SECRET: 'x'.repeat(32),
};
const production = { ...minimal, NODE_ENV: 'production', OPEN_REGISTRATION: 'false' };

/** The keys that a configuration's error complains of, in order; empty when it is fine. */
function badKeys(env: Env): string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) if (!error.message.includes(problem)) return [`unsaid: ${problem}`];
    return error.problems.map((problem) => /^[A-Z_]+/.exec(problem)?.[0] ?? problem).sort();
  }
}

t.test('four settings are enough, and the rest have defaults', async (t) => {
  const config: Config = loadConfig(minimal);
  t.match(config, { ...minimal, NODE_ENV: 'development', PORT: 3000, GRID_SIZE: 30, isProduction: false });
  t.equal(config.ALLOW_WEAK_DURABILITY, false);
});

t.test('the configuration is frozen, and the environment is left alone', async (t) => {
  const env = { ...minimal, PORT: '', OTHER: 'thing' };
  const config = loadConfig(env);
  t.ok(Object.isFrozen(config));
  t.notOk('OTHER' in config);
  t.strictSame(env, { ...minimal, PORT: '', OTHER: 'thing' });
});

t.test('every bad setting is listed at once', async (t) => {
  const env = { ...minimal, PORT: '99999', LOG_LEVEL: 'loud', GRID_SIZE: '0', CACHE_REDIS_URL: 'http://localhost' };
  t.strictSame(badKeys(env), ['CACHE_REDIS_URL', 'GRID_SIZE', 'LOG_LEVEL', 'PORT']);
  t.strictSame(badKeys({ JWT_SECRET: minimal.JWT_SECRET }), ['CACHE_REDIS_URL', 'DATABASE_URL', 'QUEUE_REDIS_URL']);
});

t.test('a missing key is listed along with settings that are bad by themselves', async (t) => {
  const { JWT_SECRET: _, ...keyless } = minimal;
  t.strictSame(badKeys({ ...keyless, PORT: 'x' }), ['JWT_SECRET', 'PORT']);
});

t.test('a broken rule of production is listed along with settings that are bad by themselves', async (t) => {
  t.strictSame(badKeys({ ...minimal, NODE_ENV: 'production', PORT: 'x' }), ['OPEN_REGISTRATION', 'PORT']);
});

t.test('an empty setting is a missing one', async (t) => {
  t.equal(loadConfig({ ...minimal, PORT: '', OPEN_REGISTRATION: '' }).PORT, 3000);
  t.strictSame(badKeys({ ...minimal, DATABASE_URL: '' }), ['DATABASE_URL']);
  t.strictSame(badKeys({ ...minimal, JWT_SECRET: '' }), ['JWT_SECRET']);
});

t.test('a setting of nothing but spaces never becomes the number 0', async (t) => {
  for (const key of ['PORT', 'LOG_RETENTION_DAYS']) {
    const env: Env = { ...minimal, [key]: '  ' };
    const isZero = badKeys(env).length === 0 && loadConfig(env)[key as 'PORT'] === 0;
    t.notOk(isZero, key);
  }
});

t.test('numbers must be whole, numeric and in range', async (t) => {
  for (const PORT of ['3000.5', 'abc', '-1', '65536', '3000 apples', 'NaN', 'Infinity']) {
    t.strictSame(badKeys({ ...minimal, PORT }), ['PORT'], PORT);
  }
  t.equal(loadConfig({ ...minimal, PORT: '0' }).PORT, 0);
});

t.test('flags are read, not taken for true because they are there', async (t) => {
  for (const [text, value] of [
    ['true', true],
    ['1', true],
    ['on', true],
    ['false', false],
    ['0', false],
    ['no', false],
  ] as const) {
    t.equal(loadConfig({ ...minimal, ALLOW_WEAK_DURABILITY: text }).ALLOW_WEAK_DURABILITY, value, text);
  }
  t.strictSame(badKeys({ ...minimal, ALLOW_WEAK_DURABILITY: 'maybe' }), ['ALLOW_WEAK_DURABILITY']);
});

t.test('tokens need one kind of key: a secret of 32 or a JWKS, not both and not none', async (t) => {
  const { JWT_SECRET, ...keyless } = minimal;
  t.strictSame(badKeys(keyless), ['JWT_SECRET']);
  t.strictSame(badKeys({ ...keyless, JWT_SECRET: 'x'.repeat(31) }), ['JWT_SECRET']);
  t.strictSame(badKeys({ ...keyless, JWKS_URL: 'https://issuer.example/keys' }), []);
  t.strictSame(badKeys({ ...keyless, JWKS_URL: 'file:///etc/keys' }), ['JWKS_URL']);
  t.strictSame(badKeys({ ...keyless, JWT_SECRET, JWKS_URL: 'https://issuer.example/keys' }), ['JWT_SECRET']);
});

t.test('a secret is measured in bytes, and a well-known one is none', async (t) => {
  t.strictSame(badKeys({ ...minimal, JWT_SECRET: 'é'.repeat(15) }), ['JWT_SECRET'], '30 bytes');
  t.strictSame(badKeys({ ...minimal, JWT_SECRET: 'é'.repeat(16) }), [], '32 bytes in 16 characters');
  t.strictSame(badKeys({ ...minimal, JWT_SECRET: `${'x'.repeat(20)}${' '.repeat(20)}` }), ['JWT_SECRET'], 'spaces');
  for (const known of ['your-256-bit-secret-your-256-bit-secret', 'A-STRING-SECRET-AT-LEAST-256-BITS-LONG']) {
    t.strictSame(badKeys({ ...minimal, JWT_SECRET: known }), ['JWT_SECRET'], known);
  }
});

t.test('proxies are named by address or network, never all of them', async (t) => {
  for (const TRUST_PROXY of [
    'true',
    '1',
    '*',
    '10.0.0.0/33',
    '10.0.0.0/0',
    '10.0.0',
    'proxy.example',
    '10.0.0.1,true',
  ]) {
    t.strictSame(badKeys({ ...minimal, TRUST_PROXY }), ['TRUST_PROXY'], TRUST_PROXY);
  }
  t.strictSame(badKeys({ ...minimal, TRUST_PROXY: '10.0.0.0/8, 127.0.0.1, fd00::/8, ::1' }), []);
});

t.test('open registration is on in development, and must be spelt out in production', async (t) => {
  t.equal(loadConfig(minimal).openRegistration, true);
  t.equal(loadConfig({ ...minimal, OPEN_REGISTRATION: 'false' }).openRegistration, false);
  t.strictSame(badKeys({ ...production, OPEN_REGISTRATION: undefined }), ['OPEN_REGISTRATION']);
  t.equal(loadConfig(production).openRegistration, false);
  t.equal(loadConfig({ ...production, OPEN_REGISTRATION: 'yes' }).openRegistration, true);
});

t.test('in production open registration needs a secret to sign with', async (t) => {
  const { JWT_SECRET: _, ...keyless } = production;
  const env = { ...keyless, JWKS_URL: 'https://issuer.example/keys' };
  t.strictSame(badKeys(env), []);
  t.strictSame(badKeys({ ...env, OPEN_REGISTRATION: 'true' }), ['OPEN_REGISTRATION']);
});

t.test('in production database, queue and cache are never made up', async (t) => {
  const missing = { ...production, DATABASE_URL: '', QUEUE_REDIS_URL: '', CACHE_REDIS_URL: '' };
  t.strictSame(badKeys(missing), ['CACHE_REDIS_URL', 'DATABASE_URL', 'QUEUE_REDIS_URL']);
  t.equal(loadConfig(production).isProduction, true);
});

t.test('an error says no secret', async (t) => {
  const secret = 'short-and-secret';
  try {
    loadConfig({ ...minimal, JWT_SECRET: secret, ADMIN_PASSWORD: 'tiny-pw', DATABASE_URL: 'mysql://u:hunter2@h/d' });
    t.fail('it must be refused');
  } catch (error) {
    for (const said of [secret, 'tiny-pw', 'hunter2']) t.notOk(String(error).includes(said), said);
  }
});
