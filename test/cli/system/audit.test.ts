/** What operators do with the command line is recorded, and `audit` lists it. */
import { hostname, userInfo } from 'node:os';
import t from 'tap';
import { verifyPassword } from '../../../shared/auth/password-hash.ts';
import { withBacking } from '../../support/processes/with-worker.ts';
import { withField } from '../run-field.ts';

const backing = await withBacking(t);
const { DATABASE_URL, QUEUE_REDIS_URL, CACHE_REDIS_URL } = backing.config;
const field = await withField(t, { DATABASE_URL, QUEUE_REDIS_URL, CACHE_REDIS_URL });
const operator = `${userInfo().username}@${hostname()}`;

interface Action {
  readonly at: string;
  readonly operator: string;
  readonly origin: string;
  readonly action: string;
  readonly target: string | null;
  readonly details: unknown;
}

async function audit(...args: string[]): Promise<Action[]> {
  const { code, stdout, stderr } = await field(['audit', '--json', ...args]);
  t.equal(code, 0, stderr);
  return JSON.parse(stdout).actions;
}

t.test('revocations, changed rules and dead-letter commands are recorded with the person and the host', async (t) => {
  t.equal((await field(['audit'])).stdout.trim(), 'Nothing is recorded');
  t.equal((await field(['token', 'revoke', '--device', 'phone-1', '--reason', 'lost'])).code, 0);
  t.equal((await field(['token', 'restore', '--device', 'phone-1'])).code, 0);
  t.equal((await field(['rules', 'set', 'GRID_SIZE', '50'])).code, 0);
  t.match(await audit(), [
    { action: 'rules.set', target: 'GRID_SIZE', details: { value: 50 } },
    { action: 'token.restore', target: 'device phone-1' },
    { action: 'token.revoke', target: 'device phone-1', details: { reason: 'lost' }, operator, origin: 'command line' },
  ]);
});

t.test('the list can be filtered', async (t) => {
  t.same(
    (await audit('--action', 'token')).map(({ action }) => action),
    ['token.restore', 'token.revoke'],
  );
  t.equal((await audit('--target', 'GRID_SIZE')).length, 1);
  t.equal((await audit('--operator', 'nobody')).length, 0);
  t.equal((await audit('--since', '1h')).length, 3);
  t.equal((await audit('--limit', '1')).length, 1);
  const { stdout } = await field(['audit', '--action', 'token.revoke']);
  t.match(stdout, /operator.*action.*target/);
  t.match(stdout, /token\.revoke +device phone-1 +\{"reason":"lost"\}/);
});

t.test('a password is hashed from standard input, and a weak one is refused', async (t) => {
  const args = ['operators', 'hash', 'ada', '--scopes', 'board:read,metrics:read'];
  const { code, stdout, stderr } = await field(args, { input: 'kite-velvet-otter-91\n' });
  t.equal(code, 0, stderr);
  const { password, ...rest } = JSON.parse(stdout);
  t.same(rest, { name: 'ada', scopes: ['board:read', 'metrics:read'] });
  t.equal(await verifyPassword('kite-velvet-otter-91', password), true);
  t.notMatch(stdout, /kite/);
  for (const weak of ['short', '111111111111', 'password1234']) {
    const refused = await field(args, { input: `${weak}\n` });
    t.equal(refused.code, 2, weak);
    t.match(refused.stderr, /The password/);
  }
  t.match(await field(args, { input: '' }), { code: 2, stderr: /no password/ });
  t.match(await field(['operators', 'hash', 'ada', '--scopes', 'root'], { input: 'x' }), { code: 2, stderr: /root/ });
});
