import t from 'tap';
import { createTokenVerifier } from '../../../shared/auth/jwt.ts';
import { coversField, hasScope } from '../../../shared/contract/token.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { withField } from '../run-field.ts';

const secret = 'a secret for tests alone, of more than 32 bytes';
const verify = createTokenVerifier({
  JWT_SECRET: secret,
  JWT_ISSUER: 'here',
  JWT_AUDIENCE: 'there',
  TOKEN_MAX_DAYS: 366,
});
const settings = { JWT_SECRET: secret, JWT_ISSUER: 'here', JWT_AUDIENCE: 'there' };

t.test('a created token is valid and contains the requested claims', async (t) => {
  const field = await withField(t, settings);
  const plain = await field(['token', '--device', 'phone-1']);
  t.equal(plain.code, 0);
  t.equal(plain.stderr, '');
  const claims = await verify(plain.stdout.trim());
  t.match(claims, { sub: 'phone-1', device: 'phone-1', fields: ['*'], scope: ['field:read', 'field:write'] });
  t.ok(Math.abs(claims.exp * 1000 - Date.now() - 30 * 86_400_000) < 60_000, 'thirty days');

  const { stdout } = await field([
    ...['token', '--device', 'tablet', '--user', 'ada', '--fields', 'global,team-*'],
    ...['--scope', 'field:read board:read', '--expires', '2h', '--json'],
  ]);
  const answer = JSON.parse(stdout);
  t.match(answer, { sub: 'ada', device: 'tablet', fields: ['global', 'team-*'], scope: 'field:read board:read' });
  const other = await verify(answer.token);
  t.equal(other.exp * 1000, answer.expiresAt);
  t.ok(Math.abs(answer.expiresAt - Date.now() - 7_200_000) < 60_000, 'two hours');
  t.ok(hasScope(other, 'board:read') && !hasScope(other, 'field:write'));
  t.ok(coversField(other, 'team-red' as FieldId) && !coversField(other, 'garden' as FieldId));
});

t.test('a token that could not be used is not created', async (t) => {
  const field = await withField(t, settings);
  t.match(await field(['token']), { code: 2, stderr: /--device ID/ });
  t.match(await field(['token', '--device', 'a', '--expires', '53w']), { code: 2, stderr: /at most 366 days/ });
  t.match(await field(['token', '--user', 'ada']), { code: 2, stderr: /Only a device can write/ });
  t.match(await field(['token', '--user', 'ada', '--scope', 'board:read']), { code: 0 });
});

t.test('token exits with code 2 when JWKS_URL is set, because it cannot sign', async (t) => {
  const field = await withField(t, { JWKS_URL: 'http://127.0.0.1:1/keys' });
  t.match(await field(['token', '--device', 'a']), { code: 2, stderr: /With JWKS_URL/ });
});
