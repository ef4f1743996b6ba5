/** The keys of an identity provider over time: cached, rotated, withdrawn, and not to be had. */
import t, { type Test } from 'tap';
import { createTokenVerifier } from '../../../shared/auth/jwt.ts';
import { FieldError } from '../../../shared/errors.ts';
import { withIdentityProvider } from '../../support/identity-provider.ts';
import { audience, byKey, issuer, makeKeys } from './jwt-attacks.ts';

const { provider: first, stranger: second } = makeKeys();
const firstKey = { kid: 'key-1', key: first.publicKey };
const secondKey = { kid: 'key-2', key: second.publicKey };
const minuteMs = 60_000;

const verifierFor = (url: string) => createTokenVerifier({ JWKS_URL: url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience });
/** Each is another token: what is remembered of one says nothing about the next. */
let tokens = 0;
const signedByFirst = () => byKey(first.privateKey, { jti: `${tokens++}`, exp: Date.now() / 1000 + 86_400 });
const signedBySecond = () =>
  byKey(second.privateKey, { jti: `${tokens++}`, exp: Date.now() / 1000 + 86_400 }, { kid: 'key-2' });

async function refusal(verified: Promise<unknown>): Promise<string> {
  try {
    await verified;
    return 'accepted';
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return error.code;
  }
}

/** A clock that a test moves on. */
function withClock(t: Test): { advance(ms: number): void } {
  const realNow = Date.now;
  let ahead = 0;
  t.intercept(Date, 'now', { value: () => realNow() + ahead });
  return {
    advance(ms) {
      ahead += ms;
    },
  };
}

t.test('the keys are asked for once, however many tokens come, known and unknown ones', async (t) => {
  const provider = await withIdentityProvider(t, [firstKey]);
  const verify = verifierFor(provider.url);
  for (let count = 0; count < 20; count++) t.equal((await verify(signedByFirst())).sub, 'user-1');
  for (let count = 0; count < 20; count++) t.equal(await refusal(verify(signedBySecond())), 'unauthorized');
  t.equal(provider.requestCount, 1);
});

t.test('a new key is found as soon as a token names it, but no more often than every ten seconds', async (t) => {
  const clock = withClock(t);
  const provider = await withIdentityProvider(t, [firstKey]);
  const verify = verifierFor(provider.url);
  await verify(signedByFirst());
  provider.publish([firstKey, secondKey]);
  clock.advance(11_000);
  t.equal(await refusal(verify(signedBySecond())), 'accepted');
  t.equal(await refusal(verify(signedByFirst())), 'accepted', 'the old one is good beside it');
  t.equal(provider.requestCount, 2);
});

t.test('a key that was withdrawn opens nothing any more, also not with a token that was good before', async (t) => {
  const clock = withClock(t);
  const provider = await withIdentityProvider(t, [firstKey]);
  const verify = verifierFor(provider.url);
  const token = signedByFirst();
  t.equal(await refusal(verify(token)), 'accepted');
  provider.publish([secondKey]);
  clock.advance(6 * minuteMs);
  t.equal(await refusal(verify(token)), 'unauthorized');
  t.equal(await refusal(verify(signedBySecond())), 'accepted');
});

t.test('while the provider is away its last keys are good, for a day', async (t) => {
  const clock = withClock(t);
  const provider = await withIdentityProvider(t, [firstKey]);
  const verify = verifierFor(provider.url);
  await verify(signedByFirst());
  provider.fail();
  clock.advance(60 * minuteMs);
  for (let count = 0; count < 20; count++) t.equal(await refusal(verify(signedByFirst())), 'accepted');
  t.ok(provider.requestCount <= 3, 'who is away is not asked by everybody');
  t.equal(await refusal(verify(signedBySecond())), 'unauthorized');
  clock.advance(25 * 60 * minuteMs);
  t.equal(await refusal(verify(byKey(first.privateKey, { exp: Date.now() / 1000 + 600 }))), 'keys_unavailable');
});

t.test('a provider that was never reached is told apart from a bad token', async (t) => {
  const provider = await withIdentityProvider(t, [firstKey]);
  provider.fail();
  const verify = verifierFor(provider.url);
  t.equal(await refusal(verify(signedByFirst())), 'keys_unavailable');
  t.equal(await refusal(verify('nonsense')), 'unauthorized');
});
