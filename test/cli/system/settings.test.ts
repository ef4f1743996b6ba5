import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { createTokenVerifier } from '../../../shared/auth/jwt.ts';
import { configSchema } from '../../../shared/config/settings.ts';
import { withFolder } from '../../support/with-folder.ts';
import { withField } from '../run-field.ts';

const secretOf = (name: string) => `the secret of ${name}, which is long enough`;

/** @returns the name whose secret signed the token */
async function signerOf(token: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const verify = createTokenVerifier({
      JWT_SECRET: secretOf(name),
      JWT_ISSUER: configSchema.shape.JWT_ISSUER.parse(undefined),
      JWT_AUDIENCE: configSchema.shape.JWT_AUDIENCE.parse(undefined),
      TOKEN_MAX_DAYS: 366,
    });
    const claims = await verify(token.trim()).catch(() => undefined);
    if (claims) return name;
  }
  return undefined;
}

t.test('a missing or invalid setting is reported with its remedy', async (t) => {
  const field = await withField(t);
  const state = await field(['state', 'global']);
  t.equal(state.code, 2);
  t.match(state.stderr, /^DATABASE_URL is missing: set it in the environment or in a file \.env .*`npm start`.*\n$/);
  const enqueue = await field(['enqueue', '-'], { input: '' });
  t.equal(enqueue.code, 2);
  t.match(enqueue.stderr, /^DATABASE_URL and QUEUE_REDIS_URL are missing/);
  const bad = await field(['state', 'global'], { env: { DATABASE_URL: 'mysql://somewhere' } });
  t.equal(bad.code, 2);
  t.match(bad.stderr, 'DATABASE_URL: must start with postgres://');
});

t.test('the environment overrides .env, and .env overrides a running stack', async (t) => {
  const folder = await withFolder(t);
  const field = await withField(t, { FIELD_DATA_DIR: join(folder, 'data') });
  const names = ['environment', 'file', 'stack'];
  const sign = async (env: Record<string, string>) => {
    const { stdout } = await field(['token', '--device', 'a'], { cwd: folder, env });
    return signerOf(stdout, names);
  };
  await mkdir(join(folder, 'data'));
  await writeFile(join(folder, 'data', 'stack.json'), JSON.stringify({ JWT_SECRET: secretOf('stack') }));
  t.equal(await sign({}), 'stack');
  t.equal(
    await sign({ NODE_ENV: 'production' }),
    undefined,
    'in production the settings of a running stack are ignored',
  );
  await writeFile(join(folder, '.env'), `JWT_SECRET="${secretOf('file')}"\n`);
  // Spawns the binary, because only it reads .env.
  const spawnSign = async (env: Record<string, string>) => {
    const { stdout } = await field.spawn(['token', '--device', 'a'], { cwd: folder, env }).ended;
    return signerOf(stdout, names);
  };
  t.equal(await spawnSign({}), 'file');
  t.equal(await spawnSign({ JWT_SECRET: secretOf('environment') }), 'environment');
});

t.test('the settings of a running stack are ignored when an address of another one is set', async (t) => {
  const folder = await withFolder(t);
  const field = await withField(t, { FIELD_DATA_DIR: folder });
  const [database, queue] = ['postgres://127.0.0.1:1/stack', 'redis://127.0.0.1:1'];
  await writeFile(join(folder, 'stack.json'), JSON.stringify({ DATABASE_URL: database, QUEUE_REDIS_URL: queue }));
  const enqueue = (env: Record<string, string>) => field(['enqueue', '-'], { input: '', env });
  t.match(await enqueue({}), { code: 3, stderr: /127\.0\.0\.1:1\/stack cannot be reached/ });
  t.match(await enqueue({ DATABASE_URL: database }), { code: 3 });
  t.match(await enqueue({ DATABASE_URL: 'postgres://127.0.0.1:1/other' }), {
    code: 2,
    stderr: /^QUEUE_REDIS_URL is missing/,
  });
});
