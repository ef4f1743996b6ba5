import { SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { createTokenVerifier, signToken } from '../../../shared/auth/jwt.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';

const key = { secret: 'a secret of more than 32 bytes, no less', issuer: 'issuer', audience: 'audience' };
const settings = { JWT_SECRET: key.secret, JWKS_URL: undefined, JWT_ISSUER: key.issuer, JWT_AUDIENCE: key.audience };
const request = {
  sub: 'user-1',
  device: 'phone-1' as DeviceId,
  fields: ['global', 'team-*'],
  scope: ['field:read', 'field:write'] as const,
  expiresInSeconds: 600,
};
const nowSeconds = () => Math.floor(Date.now() / 1000);

interface Forgery {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly alg?: string;
  readonly secret?: string;
}

/** A token that is right but for what is given; a claim of undefined is left out. */
function forge({ claims = {}, alg = 'HS256', secret = key.secret }: Forgery = {}): Promise<string> {
  const { issuer: iss, audience: aud } = key;
  const right = { sub: 'user-1', fields: ['*'], scope: 'field:read', iss, aud, exp: nowSeconds() + 600 };
  return new SignJWT({ ...right, ...claims }).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
}

async function refusalOf(token: string): Promise<string> {
  try {
    await createTokenVerifier(settings)(token);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return error.code;
  }
}

t.test('a token that was signed here says what it was asked to say', async (t) => {
  const { token, expiresAt } = await signToken(request, key);
  const claims = await createTokenVerifier(settings)(token);
  const { sub, device, fields } = request;
  t.match(claims, { sub, device, fields, scope: ['field:read', 'field:write'] });
  t.equal(claims.exp * 1000, expiresAt);
  t.ok(Math.abs(expiresAt - Date.now() - 600_000) < 60_000);
});

t.test('a token without a device has none', async (t) => {
  const { token } = await signToken({ ...request, device: undefined }, key);
  t.notOk('device' in (await createTokenVerifier(settings)(token)));
});

t.test('every token has an id of its own', async (t) => {
  const [one, other] = await Promise.all([signToken(request, key), signToken(request, key)]);
  t.not(one?.token, other?.token);
});

t.test('the forger of these tests makes a token that is accepted when nothing is wrong with it', async (t) => {
  t.equal(await refusalOf(await forge()), 'accepted');
  t.equal(await refusalOf(await forge({ claims: { aud: ['other', 'audience'] } })), 'accepted');
});

const forgeries: [string, Forgery][] = [
  ['signed with another secret', { secret: 'another secret of more than 32 bytes' }],
  ['signed with HS512', { alg: 'HS512', secret: key.secret.padEnd(64) }],
  ['signed with HS384 and the right secret', { alg: 'HS384' }],
  ['of another issuer', { claims: { iss: 'somebody' } }],
  ['without an issuer', { claims: { iss: undefined } }],
  ['for another audience', { claims: { aud: 'somebody' } }],
  ['without an audience', { claims: { aud: undefined } }],
  ['without an expiry', { claims: { exp: undefined } }],
  ['without a user', { claims: { sub: undefined } }],
  ['with an empty user', { claims: { sub: '' } }],
  ['without a scope', { claims: { scope: undefined } }],
  ['not valid before tomorrow', { claims: { nbf: nowSeconds() + 86_400 } }],
  ['for a field that cannot be', { claims: { fields: ['../etc'] } }],
  ['for a device that cannot be', { claims: { device: 'a b' } }],
];
for (const [what, forgery] of forgeries) {
  t.test(`unauthorized: a token ${what}`, async (t) => {
    t.equal(await refusalOf(await forge(forgery)), 'unauthorized');
  });
}

t.test('unauthorized: a token without a signature, in every way to write it', async (t) => {
  const [, body, signature] = (await forge()).split('.');
  for (const alg of ['none', 'None', 'NONE', '']) {
    const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url');
    t.equal(await refusalOf(`${header}.${body}.`), 'unauthorized', `alg ${alg}`);
    t.equal(await refusalOf(`${header}.${body}.${signature}`), 'unauthorized', `alg ${alg} with a signature`);
  }
});

t.test('unauthorized: a token whose claims were changed after signing, and what is no token', async (t) => {
  const [header, , signature] = (await forge()).split('.');
  const [, otherBody] = (await forge({ claims: { scope: 'operator' } })).split('.');
  t.equal(await refusalOf(`${header}.${otherBody}.${signature}`), 'unauthorized');
  for (const text of ['', 'x', 'a.b.c', '..', `${header}..${signature}`])
    t.equal(await refusalOf(text), 'unauthorized', text);
});

t.test('a token that has run out is told apart from a wrong one', async (t) => {
  t.equal(await refusalOf(await forge({ claims: { exp: nowSeconds() - 60 } })), 'token_expired');
  t.equal(
    await refusalOf(await forge({ claims: { exp: nowSeconds() - 60 }, secret: 'wrong'.repeat(8) })),
    'unauthorized',
  );
});

t.test('a token that was good runs out also for a verifier that remembers it', async (t) => {
  const verify = createTokenVerifier(settings);
  const token = await forge({ claims: { exp: nowSeconds() + 100 } });
  t.equal((await verify(token)).sub, 'user-1');
  advanceClock(t, 200_000);
  await t.rejects(verify(token), { code: 'token_expired' });
});

t.test('a verifier that remembers a token takes no other for it', async (t) => {
  const verify = createTokenVerifier(settings);
  const token = await forge();
  await verify(token);
  await t.rejects(verify(`${token.slice(0, -2)}AA`), { code: 'unauthorized' });
});

t.test('a verifier without any key is not made', async (t) => {
  t.throws(() => createTokenVerifier({ ...settings, JWT_SECRET: undefined }));
});

function advanceClock(t: Test, ms: number): void {
  const later = Date.now() + ms;
  t.intercept(Date, 'now', { value: () => later });
}
