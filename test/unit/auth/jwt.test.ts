import { SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { createRenewalVerifier, createTokenVerifier, signToken } from '../../../shared/auth/jwt.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';

const key = { secret: 'a secret of more than 32 bytes, no less', issuer: 'issuer', audience: 'audience' };
const settings = {
  JWT_SECRET: key.secret,
  JWKS_URL: undefined,
  JWT_ISSUER: key.issuer,
  JWT_AUDIENCE: key.audience,
  TOKEN_MAX_DAYS: 366,
};
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

/** Signs a token that is valid except for the given parts; a claim of undefined is omitted. */
function forge({ claims = {}, alg = 'HS256', secret = key.secret }: Forgery = {}): Promise<string> {
  const { issuer: iss, audience: aud } = key;
  const validClaims = { sub: 'user-1', fields: ['*'], scope: 'field:read', iss, aud, exp: nowSeconds() + 600 };
  return new SignJWT({ ...validClaims, ...claims }).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
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

t.test('a signed token contains the requested claims', async (t) => {
  const { token, expiresAt } = await signToken(request, key);
  const claims = await createTokenVerifier(settings)(token);
  const { sub, device, fields } = request;
  t.match(claims, { sub, device, fields, scope: ['field:read', 'field:write'] });
  t.equal(claims.exp * 1000, expiresAt);
  t.ok(Math.abs(expiresAt - Date.now() - 600_000) < 60_000);
});

t.test('a token that is signed without a device has no device claim', async (t) => {
  const { token } = await signToken({ ...request, device: undefined }, key);
  t.notOk('device' in (await createTokenVerifier(settings)(token)));
});

t.test('two tokens with the same claims are different', async (t) => {
  const [one, other] = await Promise.all([signToken(request, key), signToken(request, key)]);
  t.not(one?.token, other?.token);
});

t.test('a token that is forged without an alteration is accepted', async (t) => {
  t.equal(await refusalOf(await forge()), 'accepted');
  t.equal(await refusalOf(await forge({ claims: { aud: ['other', 'audience'] } })), 'accepted');
});

const forgeries: [string, Forgery][] = [
  ['signed with another secret', { secret: 'another secret of more than 32 bytes' }],
  ['signed with HS512', { alg: 'HS512', secret: key.secret.padEnd(64) }],
  ['signed with HS384 and the right secret', { alg: 'HS384' }],
  ['from another issuer', { claims: { iss: 'somebody' } }],
  ['without an issuer', { claims: { iss: undefined } }],
  ['for another audience', { claims: { aud: 'somebody' } }],
  ['without an audience', { claims: { aud: undefined } }],
  ['without an expiry', { claims: { exp: undefined } }],
  ['without a user', { claims: { sub: undefined } }],
  ['with an empty user', { claims: { sub: '' } }],
  ['without a scope', { claims: { scope: undefined } }],
  ['that is not valid before tomorrow', { claims: { nbf: nowSeconds() + 86_400 } }],
  ['for an invalid field pattern', { claims: { fields: ['../etc'] } }],
  ['for an invalid device id', { claims: { device: 'a b' } }],
];
for (const [what, forgery] of forgeries) {
  t.test(`a token ${what} is unauthorized`, async (t) => {
    t.equal(await refusalOf(await forge(forgery)), 'unauthorized');
  });
}

t.test('a token without a signature algorithm is unauthorized in any spelling', async (t) => {
  const [, body, signature] = (await forge()).split('.');
  for (const alg of ['none', 'None', 'NONE', '']) {
    const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url');
    t.equal(await refusalOf(`${header}.${body}.`), 'unauthorized', `alg ${alg}`);
    t.equal(await refusalOf(`${header}.${body}.${signature}`), 'unauthorized', `alg ${alg} with a signature`);
  }
});

t.test('a token with altered claims and a malformed token are unauthorized', async (t) => {
  const [header, , signature] = (await forge()).split('.');
  const [, otherBody] = (await forge({ claims: { scope: 'admin' } })).split('.');
  t.equal(await refusalOf(`${header}.${otherBody}.${signature}`), 'unauthorized');
  for (const text of ['', 'x', 'a.b.c', '..', `${header}..${signature}`])
    t.equal(await refusalOf(text), 'unauthorized', text);
});

t.test('an expired token has its own error code only if its signature is valid', async (t) => {
  t.equal(await refusalOf(await forge({ claims: { exp: nowSeconds() - 60 } })), 'token_expired');
  t.equal(
    await refusalOf(await forge({ claims: { exp: nowSeconds() - 60 }, secret: 'wrong'.repeat(8) })),
    'unauthorized',
  );
});

t.test('a cached token expires', async (t) => {
  const verify = createTokenVerifier(settings);
  const token = await forge({ claims: { exp: nowSeconds() + 100 } });
  t.equal((await verify(token)).sub, 'user-1');
  advanceClock(t, 200_000);
  await t.rejects(verify(token), { code: 'token_expired' });
});

t.test('a token with an altered signature is not answered from the cache', async (t) => {
  const verify = createTokenVerifier(settings);
  const token = await forge();
  await verify(token);
  await t.rejects(verify(`${token.slice(0, -2)}AA`), { code: 'unauthorized' });
});

t.test('during a rotation the tokens of two secrets are accepted, and only the newer one signs', async (t) => {
  const previous = 'the secret before, which is long enough too';
  const verify = createTokenVerifier({ ...settings, JWT_SECRET_PREVIOUS: previous });
  t.equal((await verify(await forge({ secret: previous }))).sub, 'user-1');
  t.equal((await verify(await forge())).sub, 'user-1');
  t.equal((await verify((await signToken(request, key)).token)).sub, 'user-1');
  await t.rejects(verify(await forge({ secret: 'a third secret of more than 32 bytes' })), { code: 'unauthorized' });
  const expired = { claims: { exp: nowSeconds() - 60 }, secret: previous };
  await t.rejects(verify(await forge(expired)), { code: 'token_expired' });
  t.equal(await refusalOf(await forge({ secret: previous })), 'unauthorized', 'once the rotation has ended');
});

t.test('the longest lifetime of tokens is a setting', async (t) => {
  const verify = createTokenVerifier({ ...settings, TOKEN_MAX_DAYS: 1 });
  const expiringIn = (seconds: number) => forge({ claims: { iat: nowSeconds(), exp: nowSeconds() + seconds } });
  t.equal((await verify(await expiringIn(86_400))).sub, 'user-1');
  await t.rejects(verify(await expiringIn(86_500)), { code: 'unauthorized', message: /TOKEN_MAX_DAYS/ });
});

t.test('a token to be renewed may have expired, and must be valid otherwise', async (t) => {
  const verify = createRenewalVerifier(settings);
  t.equal((await verify(await forge({ claims: { exp: nowSeconds() - 86_400 } }))).sub, 'user-1');
  for (const forgery of [
    { secret: 'another secret of more than 32 bytes' },
    { claims: { iss: 'somebody', exp: nowSeconds() - 60 } },
    { claims: { iat: nowSeconds() + 3600 } },
    { claims: { exp: nowSeconds() - 60, iat: nowSeconds() - 367 * 86_400 } },
  ]) {
    await t.rejects(verify(await forge(forgery)), { code: 'unauthorized' });
  }
});

t.test('creating a verifier without a key throws', async (t) => {
  t.throws(() => createTokenVerifier({ ...settings, JWT_SECRET: undefined }));
});

function advanceClock(t: Test, ms: number): void {
  const later = Date.now() + ms;
  t.intercept(Date, 'now', { value: () => later });
}
