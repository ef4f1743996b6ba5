import t from 'tap';
import { claimsSchema, coversField, fieldPatternSchema, hasScope } from '../../../shared/contract/token.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { refusals, refusedAt } from './valid-updates.ts';

const claims = { sub: 'user-1', device: 'phone-1', fields: ['global'], scope: 'field:read field:write', exp: 2e9 };

t.test('a pattern covers the fields that it names and no others', async (t) => {
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

t.test('a pattern is a field id, the start of one with a star after it, or a star', async (t) => {
  for (const good of ['*', 'a', 'a*', 'team-*', '0_-']) t.strictSame(refusals(fieldPatternSchema, good), [], good);
  for (const bad of ['', '**', '*a', 'a*b', 'a**', 'A', '-a', '.*', 'a b', 'a\n', `${'x'.repeat(65)}*`]) {
    t.not(refusals(fieldPatternSchema, bad).length, 0, JSON.stringify(bad));
  }
});

t.test('a scope is a text with spaces or a list, and means only what it names', async (t) => {
  for (const scope of ['field:read operator', ['field:read', 'operator']]) {
    const parsed = claimsSchema.parse({ ...claims, scope });
    t.strictSame([hasScope(parsed, 'field:read'), hasScope(parsed, 'operator')], [true, true]);
    t.equal(hasScope(parsed, 'field:write'), false);
  }
  t.equal(hasScope(claimsSchema.parse({ ...claims, scope: 'field:writer xoperator' }), 'operator'), false);
});

t.test('claims without a user, an expiry or a scope, or with a strange device or field, are refused', async (t) => {
  t.equal(refusedAt(claimsSchema, { ...claims, sub: '' }), 'sub');
  t.equal(refusedAt(claimsSchema, { ...claims, exp: undefined }), 'exp');
  t.equal(refusedAt(claimsSchema, { ...claims, scope: undefined }), 'scope');
  t.equal(refusedAt(claimsSchema, { ...claims, device: 'a b' }), 'device');
  t.equal(refusedAt(claimsSchema, { ...claims, fields: ['Team'] }), 'fields/0');
  t.strictSame(claimsSchema.parse({ ...claims, fields: undefined, other: 1 }).fields, [], 'no fields are none');
});
