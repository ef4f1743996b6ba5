import t from 'tap';
import { checkLicences } from '../../../dev/supply-chain/licences.ts';
import { readLock } from '../../../dev/supply-chain/lock.ts';

const check = (license: string | undefined, more = {}) =>
  checkLicences({ lockfileVersion: 3, packages: { '': {}, 'node_modules/a': { license, ...more } } });

t.test('all production dependencies have an allowed licence', async (t) => {
  const { checked, refused } = checkLicences(readLock());
  t.ok(checked > 100, 'the lock file is read');
  t.same(refused, []);
});

t.test('a package with another licence, or with none, is named', async (t) => {
  t.match(check('GPL-3.0-only').refused, [{ path: 'node_modules/a', name: 'a', licence: 'GPL-3.0-only' }]);
  t.match(check(undefined).refused, [{ path: 'node_modules/a', licence: undefined }]);
  t.same(check('GPL-3.0-only', { dev: true }), { checked: 0, refused: [] }, 'unless it is only for development');
});

t.test('of alternatives one must be allowed, of a conjunction all', async (t) => {
  t.same(check('(MIT OR GPL-3.0-only)').refused, []);
  t.same(check('Apache-2.0 AND MIT').refused, []);
  t.equal(check('MIT AND GPL-3.0-only').refused.length, 1);
  t.equal(check('(AGPL-3.0-only OR SSPL-1.0)').refused.length, 1);
});
