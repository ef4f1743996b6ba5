import t from 'tap';
import { claimsSchema, coversField, fieldPatternSchema, hasScope } from '../../../shared/contract/token.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { firstErrorPath, validationErrors } from './valid-updates.ts';

const claims = { sub: 'user-1', device: 'phone-1', fields: ['global'], scope: 'field:read field:write', exp: 2e9 };

t.test('a pattern covers only the fields that it matches', async (t) => {
  const cases: [string[], string, boolean][] = [
    [['global'], 'global', true],
    [['global'], 'global-2', false],
    [['global'], 'globa', false],
    [['team-*'], 'team-', true],
    [['team-*'], 'team-7', true],
    [['team-*'], 'team', false],
    [['team-*'], 'my-team-7', false],
    [['*'], 'anything', true],
    [[], 'global', false],
    [['a', 'b*'], 'b2', true],
  ];
  for (const [fields, field, expected] of cases) {
    const parsed = claimsSchema.parse({ ...claims, fields });
    t.equal(coversField(parsed, field as FieldId), expected, `${fields} and ${field}`);
  }
});

t.test('a pattern is a field id, a prefix followed by an asterisk, or an asterisk', async (t) => {
  for (const valid of ['*', 'a', 'a*', 'team-*', '0_-'])
    t.strictSame(validationErrors(fieldPatternSchema, valid), [], valid);
  for (const invalid of ['', '**', '*a', 'a*b', 'a**', 'A', '-a', '.*', 'a b', 'a\n', `${'x'.repeat(65)}*`]) {
    t.not(validationErrors(fieldPatternSchema, invalid).length, 0, JSON.stringify(invalid));
  }
});

t.test('a scope is a space-separated string or a list, and grants only the scopes that it names', async (t) => {
  for (const scope of ['field:read board:read', ['field:read', 'board:read']]) {
    const parsed = claimsSchema.parse({ ...claims, scope });
    t.strictSame([hasScope(parsed, 'field:read'), hasScope(parsed, 'board:read')], [true, true]);
    t.equal(hasScope(parsed, 'field:write'), false);
  }
  t.equal(hasScope(claimsSchema.parse({ ...claims, scope: 'field:writer xboard:read' }), 'board:read'), false);
});

t.test('claims need a user, an expiry and a scope, and every device and field in them must be valid', async (t) => {
  t.equal(firstErrorPath(claimsSchema, { ...claims, sub: '' }), 'sub');
  t.equal(firstErrorPath(claimsSchema, { ...claims, exp: undefined }), 'exp');
  t.equal(firstErrorPath(claimsSchema, { ...claims, scope: undefined }), 'scope');
  t.equal(firstErrorPath(claimsSchema, { ...claims, device: 'a b' }), 'device');
  t.equal(firstErrorPath(claimsSchema, { ...claims, fields: ['Team'] }), 'fields/0');
  t.strictSame(
    claimsSchema.parse({ ...claims, fields: undefined, other: 1 }).fields,
    [],
    'claims without fields grant access to none',
  );
});
