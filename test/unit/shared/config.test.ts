import { createHash } from 'node:crypto';
import t from 'tap';
import { type Config, ConfigError, loadConfig, loadWorkerConfig } from '../../../shared/config/config.ts';

type Env = Record<string, string | undefined>;

const minimal = {
  DATABASE_URL: 'postgres://field@localhost/field',
  QUEUE_REDIS_URL: 'redis://localhost:6379',
  CACHE_REDIS_URL: 'rediss://localhost:6380',
  JWT_SECRET: 'Vz8QkNw4cTjY2mXhGdLs7RbFp9aUe3Wi',
};
const production = { ...minimal, NODE_ENV: 'production', OPEN_REGISTRATION: 'false' };

/** Returns the keys of the invalid settings in alphabetical order; the list is empty if the configuration is valid. */
function invalidKeys(env: Env): string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems)
      if (!error.message.includes(problem)) return [`not in the message: ${problem}`];
    return error.problems.map((problem) => /^[A-Z_]+/.exec(problem)?.[0] ?? problem).sort();
  }
}

t.test('four settings are required, and the others have defaults', async (t) => {
  const config: Config = loadConfig(minimal);
  t.match(config, { ...minimal, NODE_ENV: 'development', PORT: 3000, GRID_SIZE: 30, isProduction: false });
  t.equal(config.ALLOW_WEAK_DURABILITY, false);
});

t.test('the configuration is frozen, and the environment is not modified', async (t) => {
  const env = { ...minimal, PORT: '', OTHER: 'thing' };
  const config = loadConfig(env);
  t.ok(Object.isFrozen(config));
  t.notOk('OTHER' in config);
  t.strictSame(env, { ...minimal, PORT: '', OTHER: 'thing' });
});

t.test('the error lists every invalid setting', async (t) => {
  const env = { ...minimal, PORT: '99999', LOG_LEVEL: 'loud', GRID_SIZE: '0', CACHE_REDIS_URL: 'http://localhost' };
  t.strictSame(invalidKeys(env), ['CACHE_REDIS_URL', 'GRID_SIZE', 'LOG_LEVEL', 'PORT']);
  t.strictSame(invalidKeys({ JWT_SECRET: minimal.JWT_SECRET }), ['CACHE_REDIS_URL', 'DATABASE_URL', 'QUEUE_REDIS_URL']);
});

t.test('the error lists a missing token key along with invalid settings', async (t) => {
  const { JWT_SECRET: _, ...keyless } = minimal;
  t.strictSame(invalidKeys({ ...keyless, PORT: 'x' }), ['JWT_SECRET', 'PORT']);
});

t.test('the error lists a violated production rule along with invalid settings', async (t) => {
  t.strictSame(invalidKeys({ ...minimal, NODE_ENV: 'production', PORT: 'x' }), ['OPEN_REGISTRATION', 'PORT']);
});

t.test('an empty setting counts as missing', async (t) => {
  t.equal(loadConfig({ ...minimal, PORT: '', OPEN_REGISTRATION: '' }).PORT, 3000);
  t.strictSame(invalidKeys({ ...minimal, DATABASE_URL: '' }), ['DATABASE_URL']);
  t.strictSame(invalidKeys({ ...minimal, JWT_SECRET: '' }), ['JWT_SECRET']);
});

t.test('a setting that consists of spaces is never read as the number 0', async (t) => {
  for (const key of ['PORT', 'LOG_RETENTION_DAYS']) {
    const env: Env = { ...minimal, [key]: '  ' };
    const isZero = invalidKeys(env).length === 0 && loadConfig(env)[key as 'PORT'] === 0;
    t.notOk(isZero, key);
  }
});

t.test('a number must be an integer in range', async (t) => {
  for (const PORT of ['3000.5', 'abc', '-1', '65536', '3000 apples', 'NaN', 'Infinity']) {
    t.strictSame(invalidKeys({ ...minimal, PORT }), ['PORT'], PORT);
  }
  t.equal(loadConfig({ ...minimal, PORT: '0' }).PORT, 0);
});

t.test('a flag is parsed, so that the text "false" does not count as true', async (t) => {
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
  t.strictSame(invalidKeys({ ...minimal, ALLOW_WEAK_DURABILITY: 'maybe' }), ['ALLOW_WEAK_DURABILITY']);
});

t.test('exactly one kind of token key is required: a secret of at least 32 bytes or a JWKS URL', async (t) => {
  const { JWT_SECRET, ...keyless } = minimal;
  t.strictSame(invalidKeys(keyless), ['JWT_SECRET']);
  t.strictSame(invalidKeys({ ...keyless, JWT_SECRET: 'x'.repeat(31) }), ['JWT_SECRET']);
  t.strictSame(invalidKeys({ ...keyless, JWKS_URL: 'https://issuer.example/keys' }), []);
  t.strictSame(invalidKeys({ ...keyless, JWKS_URL: 'file:///etc/keys' }), ['JWKS_URL']);
  t.strictSame(invalidKeys({ ...keyless, JWT_SECRET, JWKS_URL: 'https://issuer.example/keys' }), ['JWT_SECRET']);
});

t.test('the length of a secret is measured in bytes, and well-known secrets are refused', async (t) => {
  t.strictSame(invalidKeys({ ...minimal, JWT_SECRET: 'é'.repeat(15) }), ['JWT_SECRET'], '30 bytes');
  t.strictSame(invalidKeys({ ...minimal, JWT_SECRET: 'é'.repeat(16) }), [], '32 bytes in 16 characters');
  t.strictSame(invalidKeys({ ...minimal, JWT_SECRET: `${'x'.repeat(20)}${' '.repeat(20)}` }), ['JWT_SECRET'], 'spaces');
  for (const known of ['your-256-bit-secret-your-256-bit-secret', 'A-STRING-SECRET-AT-LEAST-256-BITS-LONG']) {
    t.strictSame(invalidKeys({ ...minimal, JWT_SECRET: known }), ['JWT_SECRET'], known);
  }
});

t.test('trusted proxies are addresses or networks, and trusting every address is refused', async (t) => {
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
    t.strictSame(invalidKeys({ ...minimal, TRUST_PROXY }), ['TRUST_PROXY'], TRUST_PROXY);
  }
  t.strictSame(invalidKeys({ ...minimal, TRUST_PROXY: '10.0.0.0/8, 127.0.0.1, fd00::/8, ::1' }), []);
});

t.test('open registration is on by default in development and must be set explicitly in production', async (t) => {
  t.equal(loadConfig(minimal).openRegistration, true);
  t.equal(loadConfig({ ...minimal, OPEN_REGISTRATION: 'false' }).openRegistration, false);
  t.strictSame(invalidKeys({ ...production, OPEN_REGISTRATION: undefined }), ['OPEN_REGISTRATION']);
  t.equal(loadConfig(production).openRegistration, false);
  t.equal(loadConfig({ ...production, OPEN_REGISTRATION: 'yes' }).openRegistration, true);
});

t.test('open registration in production requires a secret that can sign tokens', async (t) => {
  const { JWT_SECRET: _, ...keyless } = production;
  const env = { ...keyless, JWKS_URL: 'https://issuer.example/keys' };
  t.strictSame(invalidKeys(env), []);
  t.strictSame(invalidKeys({ ...env, OPEN_REGISTRATION: 'true' }), ['OPEN_REGISTRATION']);
});

t.test('a worker needs no key for tokens, and keeps none', async (t) => {
  const { JWT_SECRET: _, ...keyless } = production;
  const config = loadWorkerConfig({ ...keyless, OPEN_REGISTRATION: undefined });
  t.match(config, { DATABASE_URL: minimal.DATABASE_URL, GRID_SIZE: 30, isProduction: true });
  const given = loadWorkerConfig({ ...production, ADMIN_PASSWORD: 'a long enough password', HOST: '0.0.0.0' });
  for (const name of ['JWT_SECRET', 'ADMIN_PASSWORD', 'HOST', 'OPEN_REGISTRATION']) t.notOk(name in given, name);
  t.throws(() => loadWorkerConfig({ ...keyless, DATABASE_URL: '' }), /DATABASE_URL is missing/);
});

t.test('production refuses secrets and passwords that can be guessed', async (t) => {
  const weakSecrets = ['a'.repeat(32), 'ab'.repeat(20), 'abcdefghijklmnopqrstuvwxyz012345', 'change-me '.repeat(4)];
  for (const weak of weakSecrets) {
    t.strictSame(invalidKeys({ ...production, JWT_SECRET: weak }), ['JWT_SECRET'], weak);
    t.strictSame(invalidKeys({ ...production, JWT_SECRET_PREVIOUS: weak }), ['JWT_SECRET_PREVIOUS'], weak);
    t.strictSame(invalidKeys({ ...minimal, JWT_SECRET: weak }), [], `${weak} in development`);
  }
  for (const weak of [
    '111111111111',
    'abcdefghijkl',
    'password1234',
    'qwertyuiop12',
    'operator-admin',
    'abcabcabcabc',
  ]) {
    t.strictSame(invalidKeys({ ...production, ADMIN_PASSWORD: weak }), ['ADMIN_PASSWORD'], weak);
  }
  t.strictSame(invalidKeys({ ...production, ADMIN_PASSWORD: 'short' }), ['ADMIN_PASSWORD']);
});

t.test('production accepts random secrets and passwords of every usual form', async (t) => {
  for (let round = 0; round < 200; round += 1) {
    const bytes = createHash('sha512').update(`${round}`).digest().subarray(0, 48);
    for (const secret of [bytes.toString('base64'), bytes.toString('hex'), bytes.toString('hex').slice(0, 32)]) {
      t.strictSame(invalidKeys({ ...production, JWT_SECRET: secret }), [], secret);
    }
    const password = bytes.toString('base64').slice(0, 12);
    t.strictSame(invalidKeys({ ...production, ADMIN_PASSWORD: password }), [], password);
  }
});

t.test('production fetches keys by https only', async (t) => {
  const { JWT_SECRET: _, ...keyless } = production;
  t.strictSame(invalidKeys({ ...keyless, JWKS_URL: 'http://issuer.example/keys' }), ['JWKS_URL']);
  t.strictSame(invalidKeys({ ...keyless, JWKS_URL: 'https://issuer.example/keys' }), []);
  const { JWT_SECRET: __, ...development } = minimal;
  t.strictSame(invalidKeys({ ...development, JWKS_URL: 'http://issuer.example/keys' }), []);
});

t.test('a previous secret needs a present one, and registration no longer lifetime than tokens', async (t) => {
  const { JWT_SECRET, ...keyless } = minimal;
  const previous = { ...keyless, JWKS_URL: 'https://issuer.example/keys', JWT_SECRET_PREVIOUS: JWT_SECRET };
  t.strictSame(invalidKeys(previous), ['JWT_SECRET_PREVIOUS']);
  t.strictSame(invalidKeys({ ...minimal, REGISTRATION_TOKEN_DAYS: '400' }), ['REGISTRATION_TOKEN_DAYS']);
  t.strictSame(invalidKeys({ ...minimal, REGISTRATION_TOKEN_DAYS: '400', TOKEN_MAX_DAYS: '400' }), []);
  t.strictSame(invalidKeys({ ...minimal, REGISTRATION_FIELDS: 'global, Team' }), ['REGISTRATION_FIELDS']);
  t.strictSame(invalidKeys({ ...minimal, REGISTRATION_FIELDS: 'global, team-*' }), []);
});

t.test('apps without tokens need a valid field, and a secret by which they are recognised', async (t) => {
  const { JWT_SECRET, ...keyless } = minimal;
  const provider = { ...keyless, JWKS_URL: 'https://issuer.example/keys', LEGACY_TRPC_FIELD: 'global' };
  t.strictSame(invalidKeys(provider), ['LEGACY_TRPC_FIELD']);
  t.strictSame(invalidKeys({ ...provider, ERASURE_KEY: JWT_SECRET }), []);
  t.strictSame(invalidKeys({ ...minimal, LEGACY_TRPC_FIELD: 'global' }), []);
  t.strictSame(invalidKeys({ ...minimal, LEGACY_TRPC_FIELD: 'Not A Field' }), ['LEGACY_TRPC_FIELD']);
});

t.test('the URLs of the database, the queue and the cache have no defaults in production', async (t) => {
  const missing = { ...production, DATABASE_URL: '', QUEUE_REDIS_URL: '', CACHE_REDIS_URL: '' };
  t.strictSame(invalidKeys(missing), ['CACHE_REDIS_URL', 'DATABASE_URL', 'QUEUE_REDIS_URL']);
  t.equal(loadConfig(production).isProduction, true);
});

t.test('the error contains no secrets', async (t) => {
  const secret = 'short-and-secret';
  try {
    loadConfig({ ...minimal, JWT_SECRET: secret, ADMIN_PASSWORD: 'tiny-pw', DATABASE_URL: 'mysql://u:hunter2@h/d' });
    t.fail('the configuration was accepted');
  } catch (error) {
    for (const text of [secret, 'tiny-pw', 'hunter2']) t.notOk(String(error).includes(text), text);
  }
});
