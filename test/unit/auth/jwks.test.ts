/** Tests how the verifier caches the keys of an identity provider, and what it does when they change or are unavailable. */
import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { createTokenVerifier } from '../../../shared/auth/jwt.ts';
import { FieldError } from '../../../shared/errors.ts';
import { withIdentityProvider } from '../../support/identity-provider.ts';
import { audience, createKeys, issuer, signWithKey } from './jwt-attacks.ts';

const { provider: first, attacker: second } = createKeys();
const firstKey = { kid: 'key-1', key: first.publicKey };
const secondKey = { kid: 'key-2', key: second.publicKey };
const minuteMs = 60_000;

const verifierFor = (url: string) =>
  createTokenVerifier({ JWKS_URL: url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience, TOKEN_MAX_DAYS: 366 });
/** Makes every token different, so that no test is answered from the cache of verified tokens by accident. */
let tokenCount = 0;
const signedByFirst = () => signWithKey(first.privateKey, { jti: `${tokenCount++}`, exp: Date.now() / 1000 + 86_400 });
const signedBySecond = () =>
  signWithKey(second.privateKey, { jti: `${tokenCount++}`, exp: Date.now() / 1000 + 86_400 }, { kid: 'key-2' });

async function refusal(verified: Promise<unknown>): Promise<string> {
  try {
    await verified;
    return 'accepted';
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return error.code;
  }
}

/** Replaces both clocks by ones that the test can advance. */
function withClock(t: Test): { advance(ms: number): void } {
  let ahead = 0;
  for (const clock of [Date, performance]) {
    const realNow = clock.now.bind(clock);
    const { mock: mocked } = mock.method(clock, 'now', () => realNow() + ahead);
    t.teardown(() => mocked.restore());
  }
  return {
    advance(ms) {
      ahead += ms;
    },
  };
}

t.test('the keys are requested once for any number of tokens with known and unknown keys', async (t) => {
  const provider = await withIdentityProvider(t, [firstKey]);
  const verify = verifierFor(provider.url);
  for (let count = 0; count < 20; count++) t.equal((await verify(signedByFirst())).sub, 'user-1');
  for (let count = 0; count < 20; count++) t.equal(await refusal(verify(signedBySecond())), 'unauthorized');
  t.equal(provider.requestCount, 1);
});

t.test(
  'the keys are requested again for an unknown key id when the last request is more than ten seconds old',
  async (t) => {
    const clock = withClock(t);
    const provider = await withIdentityProvider(t, [firstKey]);
    const verify = verifierFor(provider.url);
    await verify(signedByFirst());
    provider.publish([firstKey, secondKey]);
    clock.advance(11_000);
    t.equal(await refusal(verify(signedBySecond())), 'accepted');
    t.equal(await refusal(verify(signedByFirst())), 'accepted', 'the old key remains valid');
    t.equal(provider.requestCount, 2);
  },
);

t.test('a withdrawn key is no longer accepted, not even for a token that was verified before', async (t) => {
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

t.test('the last known keys are used for a day while the provider is unavailable', async (t) => {
  const clock = withClock(t);
  const provider = await withIdentityProvider(t, [firstKey]);
  const verify = verifierFor(provider.url);
  await verify(signedByFirst());
  provider.fail();
  clock.advance(60 * minuteMs);
  for (let count = 0; count < 20; count++) t.equal(await refusal(verify(signedByFirst())), 'accepted');
  t.ok(provider.requestCount <= 3, 'an unavailable provider does not get a request per token');
  t.equal(await refusal(verify(signedBySecond())), 'unauthorized');
  clock.advance(25 * 60 * minuteMs);
  t.equal(await refusal(verify(signWithKey(first.privateKey, { exp: Date.now() / 1000 + 600 }))), 'keys_unavailable');
});

t.test(
  'keys_unavailable is answered while the provider has never been reached, but not for a malformed token',
  async (t) => {
    const provider = await withIdentityProvider(t, [firstKey]);
    provider.fail();
    const verify = verifierFor(provider.url);
    t.equal(await refusal(verify(signedByFirst())), 'keys_unavailable');
    t.equal(await refusal(verify('nonsense')), 'unauthorized');
  },
);
