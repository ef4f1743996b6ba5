import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mock } from 'node:test';
import t from 'tap';
import { LoginBackoff } from '../../../api/operators/login-backoff.ts';
import { readOperators } from '../../../shared/auth/operators.ts';
import { hashPassword, isPasswordHash, verifyPassword } from '../../../shared/auth/password-hash.ts';
import { withFolder } from '../../support/with-folder.ts';

t.test('a hash verifies its password only, and two hashes of one password differ', async (t) => {
  const [one, other] = [await hashPassword('seven words for ada'), await hashPassword('seven words for ada')];
  t.not(one, other);
  t.ok(isPasswordHash(one));
  t.equal(await verifyPassword('seven words for ada', one), true);
  t.equal(await verifyPassword('seven words for adb', one), false);
  t.equal(await verifyPassword('', one), false);
  t.equal(await verifyPassword('seven words for ada', 'seven words for ada'), false, 'a password is not its own hash');
  t.notMatch(one, /ada/);
});

t.test('the file of operators is checked, and mistakes name the entry', async (t) => {
  const file = join(await withFolder(t), 'operators.json');
  const ada = { name: 'ada', password: await hashPassword('seven words for ada'), scopes: ['board:read'] };
  const read = async (content: unknown, password?: string) => {
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return readOperators({ OPERATORS_FILE: file, ADMIN_PASSWORD: password });
  };
  const [admin, named] = await read([ada], 'a long enough password');
  t.match(admin, { name: 'operator', scopes: ['admin'] });
  t.match(named, { name: 'ada', scopes: ['board:read'] });
  t.equal(await named?.isPassword('seven words for ada'), true);
  t.equal(await admin?.isPassword('seven words for ada'), false);
  const mistakes: [unknown, RegExp][] = [
    ['not JSON', /is not JSON/],
    [[{ ...ada, password: 'in clear text' }], /0\.password must be a hash/],
    [[{ ...ada, scopes: ['root'] }], /0\.scopes\.0/],
    [[{ ...ada, scopes: [] }], /0\.scopes/],
    [[{ ...ada, name: 'a b' }], /0\.name/],
    [[ada, ada], /names a person twice/],
    [[{ ...ada, name: 'operator' }], /ADMIN_PASSWORD/],
  ];
  for (const [content, message] of mistakes) {
    await t.rejects(read(content, 'a long enough password'), { name: 'ConfigError', message }, String(message));
  }
  t.throws(() => readOperators({ OPERATORS_FILE: join(file, 'missing'), ADMIN_PASSWORD: undefined }), /cannot be read/);
});

t.test('wrong passwords delay further ones exponentially, for one operator at one address', async (t) => {
  let now = 1_000;
  const performanceNow = mock.method(performance, 'now', () => now);
  t.teardown(() => performanceNow.mock.restore());
  const backoff = new LoginBackoff();
  const delays: number[] = [];
  for (let attempt = 0; attempt < 20; attempt += 1) {
    backoff.begin('192.0.2.1 ada');
    try {
      backoff.begin('192.0.2.1 ada');
      delays.push(0);
    } catch (error) {
      const { retryAfterSeconds = 0 } = error as { retryAfterSeconds?: number };
      delays.push(retryAfterSeconds);
      t.doesNotThrow(() => backoff.begin(`192.0.2.1 other-${attempt}`), 'another operator');
      t.doesNotThrow(() => backoff.begin(`192.0.2.${2 + attempt} ada`), 'another address');
      now += retryAfterSeconds * 1000;
    }
  }
  t.same(delays.slice(0, 8), [0, 0, 1, 2, 4, 8, 16, 32].slice(0, 8));
  t.equal(delays.at(-1), 900, 'a quarter of an hour at most');
  backoff.succeed('192.0.2.1 ada');
  t.doesNotThrow(() => backoff.begin('192.0.2.1 ada'));
});
