/** Runs every known attack against the verifier and compares the answer with the expected one. */
import t, { type Test } from 'tap';
import { createTokenVerifier, type VerifyToken } from '../../../shared/auth/jwt.ts';
import { FieldError } from '../../../shared/errors.ts';
import { withIdentityProvider } from '../../support/identity-provider.ts';
import {
  type Attack,
  attacksOnProvider,
  attacksOnSecret,
  audience,
  createKeys,
  issuer,
  secret,
} from './jwt-attacks.ts';

const keys = createKeys();

t.test('a verifier with a secret refuses every attack with the expected code', async (t) => {
  const verify = createTokenVerifier({
    JWT_SECRET: secret,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    TOKEN_MAX_DAYS: 366,
  });
  await expectAnswers(t, attacksOnSecret(keys), verify);
});

t.test('a verifier with a JWKS refuses every attack with the expected code', async (t) => {
  const { url } = await withIdentityProvider(t, [{ kid: 'key-1', key: keys.provider.publicKey }]);
  const verify = createTokenVerifier({
    JWKS_URL: url,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    TOKEN_MAX_DAYS: 366,
  });
  await expectAnswers(t, attacksOnProvider(keys), verify);
});

async function expectAnswers(t: Test, attacks: readonly Attack[], verify: VerifyToken): Promise<void> {
  for (const [attack, token, expected] of attacks) t.equal(await answerTo(verify, token), expected, attack);
}

async function answerTo(verify: VerifyToken, token: string): Promise<string> {
  try {
    await verify(token);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return error.code;
  }
}
