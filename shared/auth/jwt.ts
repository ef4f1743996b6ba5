/**
 * Signs tokens with the shared secret, and verifies them with it or with a JWKS. Only the algorithms of the configured kind
 * of key are accepted; issuer, audience, subject and expiry are required.
 */
import { errors, type JWTVerifyOptions, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Config } from '../config/config.ts';
import { type Claims, claimsSchema, type Scope } from '../contract/token.ts';
import { maxTokenLength } from '../contract/wire.ts';
import { FieldError } from '../errors.ts';
import type { DeviceId } from '../field/ids.ts';
import { createKeyFinder } from './jwks.ts';

const clockToleranceSeconds = 5;
/** Base64 decoders ignore whitespace, so one token would have many spellings without this check. */
const tokenShape = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const maxCachedTokens = 10_000;
/** A signature is verified again after this time, since its key may have been withdrawn. */
const signatureCacheMs = 5 * 60_000;

export interface SignTokenOptions {
  readonly sub: string;
  readonly device?: DeviceId;
  readonly fields: readonly string[];
  readonly scope: readonly Scope[];
  readonly expiresInSeconds: number;
}

export interface SigningKey {
  readonly secret: string;
  readonly issuer: string;
  readonly audience: string;
}

interface SignedToken {
  readonly token: string;
  readonly tokenId: string;
  readonly expiresAt: number;
}

/** Signs a token (HS256). `tokenId` is the id by which it can be revoked; `expiresAt` is in ms since the epoch. */
export async function signToken(options: SignTokenOptions, key: SigningKey): Promise<SignedToken> {
  const { sub, device, fields, scope, expiresInSeconds } = options;
  const issuedAt = Math.floor(Date.now() / 1000);
  const expiresAtSeconds = issuedAt + expiresInSeconds;
  const tokenId = crypto.randomUUID();
  const token = await new SignJWT({ ...(device ? { device } : {}), fields: [...fields], scope: scope.join(' ') })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(sub)
    .setIssuer(key.issuer)
    .setAudience(key.audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAtSeconds)
    .setJti(tokenId)
    .sign(new TextEncoder().encode(key.secret));
  return { token, tokenId, expiresAt: expiresAtSeconds * 1000 };
}

export type VerifyToken = (token: string) => Promise<Claims>;

type TokenSettings = Pick<Config, 'JWT_SECRET' | 'JWKS_URL' | 'JWT_ISSUER' | 'JWT_AUDIENCE'>;

/**
 * Creates the verifier of tokens. Results are cached, since a device sends the same token with every request.
 * @throws FieldError `unauthorized`, `token_expired`, or `keys_unavailable` if the identity provider does not answer
 */
export function createTokenVerifier(settings: TokenSettings): VerifyToken {
  const verify = createSignatureVerifier(settings);
  const known = new LRUCache<string, Claims>({ max: maxCachedTokens, ttl: signatureCacheMs, perf: Date });
  return async (token) => {
    const cached = known.get(token);
    if (cached) {
      if ((cached.exp + clockToleranceSeconds) * 1000 <= Date.now()) throw new FieldError('token_expired');
      return cached;
    }
    if (token.length > maxTokenLength || !tokenShape.test(token)) throw new FieldError('unauthorized');
    const claims = claimsSchema.safeParse(await verify(token));
    if (!claims.success) throw new FieldError('unauthorized', { detail: 'The token lacks a claim that is needed' });
    known.set(token, claims.data);
    return claims.data;
  };
}

function createSignatureVerifier(settings: TokenSettings): (token: string) => Promise<unknown> {
  const options: JWTVerifyOptions = {
    issuer: settings.JWT_ISSUER,
    audience: settings.JWT_AUDIENCE,
    requiredClaims: ['sub', 'exp', 'iss', 'aud'],
    clockTolerance: clockToleranceSeconds,
  };
  const { JWT_SECRET: secret, JWKS_URL: jwksUrl } = settings;
  if (secret) {
    // Imported once: jose imports raw bytes again for every token.
    const hmac = { name: 'HMAC', hash: 'SHA-256' };
    const imported = crypto.subtle.importKey('raw', new TextEncoder().encode(secret), hmac, false, ['verify']);
    const findKey = () => imported;
    return (token) => translateJwtErrors(jwtVerify(token, findKey, { ...options, algorithms: ['HS256'] }));
  }
  if (!jwksUrl) throw new Error('neither a secret nor a JWKS URL is configured');
  const findKey = createKeyFinder(jwksUrl);
  const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
  return (token) => translateJwtErrors(jwtVerify(token, findKey, { ...options, algorithms }));
}

async function translateJwtErrors(verified: ReturnType<typeof jwtVerify>): Promise<unknown> {
  try {
    return (await verified).payload;
  } catch (error) {
    if (error instanceof FieldError) throw error;
    if (error instanceof errors.JWTExpired) throw new FieldError('token_expired', { cause: error });
    throw new FieldError('unauthorized', { cause: error });
  }
}
