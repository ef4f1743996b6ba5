/** Every attack on a token that we know of, and its answer: printed as the table that stands in docs/security.md. */
import { readFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { createTokenVerifier, type VerifyToken } from '../../../shared/auth/jwt.ts';
import { FieldError } from '../../../shared/errors.ts';
import { withIdentityProvider } from '../../support/identity-provider.ts';
import { type Attack, attacksOnProvider, attacksOnSecret, audience, issuer, makeKeys, secret } from './jwt-attacks.ts';

const keys = makeKeys();
const docs = await readFile(new URL('../../../docs/security.md', import.meta.url), 'utf8');

t.test('with a secret every attack gets its answer, and the docs have the table', async (t) => {
  const verify = createTokenVerifier({ JWT_SECRET: secret, JWT_ISSUER: issuer, JWT_AUDIENCE: audience });
  await meetAll(t, attacksOnSecret(keys), verify);
});

t.test('with a JWKS every attack gets its answer, and the docs have the table', async (t) => {
  const { url } = await withIdentityProvider(t, [{ kid: 'key-1', key: keys.provider.publicKey }]);
  const verify = createTokenVerifier({ JWKS_URL: url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience });
  await meetAll(t, attacksOnProvider(keys), verify);
});

async function meetAll(t: Test, attacks: readonly Attack[], verify: VerifyToken): Promise<void> {
  const rows: string[] = [];
  for (const [what, token, expected] of attacks) {
    const answer = await answerTo(verify, token);
    t.equal(answer, expected, what);
    rows.push(`| ${what} | \`${answer}\` |`);
  }
  const table = rows.join('\n');
  t.comment(table);
  t.ok(docs.includes(table), 'the table above stands in docs/security.md');
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
