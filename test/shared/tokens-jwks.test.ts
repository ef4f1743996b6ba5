/** Tokens of an identity provider, checked against the keys that it publishes. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { FieldError } from '../../shared/errors.ts';
import { createTokenVerifier } from '../../shared/tokens.ts';

const issuer = 'issuer';
const audience = 'audience';

/** A provider with one RSA key, and a verifier that reads its keys. */
async function withProvider(t: Test) {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' }];
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const verify = createTokenVerifier({
    JWT_SECRET: undefined,
    JWKS_URL: `http://127.0.0.1:${port}/keys`,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
  });
  return { publicKey, privateKey, verify };
}

function sign(key: CryptoKey | Uint8Array, alg: string, claims: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT({ sub: 'user-1', fields: ['*'], scope: 'field:read', iss: issuer, aud: audience, ...claims })
    .setProtectedHeader({ alg, kid: 'key-1' })
    .setExpirationTime('10 minutes')
    .sign(key);
}

async function refusal(verified: Promise<unknown>): Promise<string> {
  try {
    await verified;
    return 'accepted';
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return error.code;
  }
}

t.test("a token signed with the provider's key is accepted, one for somebody else is not", async (t) => {
  const { privateKey, verify } = await withProvider(t);
  t.equal((await verify(await sign(privateKey, 'RS256'))).sub, 'user-1');
  t.equal(await refusal(verify(await sign(privateKey, 'RS256', { aud: 'somebody' }))), 'unauthorized');
});

t.test('a token signed with another key of the same name is refused', async (t) => {
  const { verify } = await withProvider(t);
  const { privateKey } = await generateKeyPair('RS256');
  t.equal(await refusal(verify(await sign(privateKey, 'RS256'))), 'unauthorized');
});

t.test('a token signed by HMAC with the public key as its secret is refused', async (t) => {
  const { publicKey, verify } = await withProvider(t);
  const secret = new TextEncoder().encode(await exportSPKI(publicKey));
  t.equal(await refusal(verify(await sign(secret, 'HS256'))), 'unauthorized');
});
