/**
 * Signs tokens with the shared secret, and verifies them with it, with the one before it, or with a JWKS. Only the algorithms
 * of the configured kind of key are accepted; issuer, audience, subject and expiry are required.
 */
import { decodeProtectedHeader, errors, type JWTVerifyOptions, type JWTVerifyResult, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Config } from '../config/config.ts';
import { type Claims, claimsSchema, type Scope } from '../contract/token.ts';
import { maxTokenLength } from '../contract/wire.ts';
import { FieldError } from '../errors.ts';
import type { DeviceId } from '../field/ids.ts';
import { secondsPerDay } from '../time-units.ts';
import { createKeyFinder } from './jwks.ts';

const clockToleranceSeconds = 5;
/** How far the time of issue may be ahead of this process's clock. */
const maxIssuedAheadSeconds = 60;
/** The registered types of access tokens (RFC 9068) and of JWTs in general, in lower case. */
const tokenTypes: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt']);
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
  /** For a token that its device may renew. */
  readonly registration?: Registration;
  /** For a viewer's token: the claims of the token that it is made from. */
  readonly viewer?: Claims['viewer'];
}

/** The claims that all tokens of a registration share, so that revoking one also revokes those renewed from it. */
export interface Registration {
  readonly tokenId: string;
  /** In seconds since the epoch. */
  readonly registeredAt: number;
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
  const { sub, device, fields, scope, expiresInSeconds, registration, viewer } = options;
  const issuedAt = Math.floor(Date.now() / 1000);
  const expiresAtSeconds = issuedAt + expiresInSeconds;
  const tokenId = registration?.tokenId ?? crypto.randomUUID();
  const token = await new SignJWT({
    ...(device ? { device } : {}),
    fields: [...fields],
    scope: scope.join(' '),
    ...(registration ? { registered: registration.registeredAt } : {}),
    ...(viewer ? { viewer } : {}),
  })
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

export type TokenSettings = Pick<
  Config,
  'JWT_SECRET' | 'JWT_SECRET_PREVIOUS' | 'JWKS_URL' | 'JWT_ISSUER' | 'JWT_AUDIENCE' | 'TOKEN_MAX_DAYS'
>;

/**
 * Creates the verifier of tokens. Results are cached, since a device sends the same token with every request.
 * @throws FieldError `unauthorized`, `token_expired`, or `keys_unavailable` if the identity provider does not answer
 */
export function createTokenVerifier(settings: TokenSettings): VerifyToken {
  const verify = createClaimsVerifier(settings);
  const known = new LRUCache<string, Claims>({ max: maxCachedTokens, ttl: signatureCacheMs, perf: Date });
  return async (token) => {
    const cached = known.get(token);
    if (cached) {
      if (isExpired(cached)) throw new FieldError('token_expired');
      return cached;
    }
    const claims = await verify(token);
    if (isExpired(claims)) throw new FieldError('token_expired');
    known.set(token, claims);
    return claims;
  };
}

/**
 * Creates a verifier that accepts expired tokens too, for their renewal.
 * @throws FieldError as the verifier of `createTokenVerifier` does, except `token_expired`
 */
export function createRenewalVerifier(settings: TokenSettings): VerifyToken {
  return createClaimsVerifier(settings);
}

/** Checks everything except the expiry. */
function createClaimsVerifier(settings: TokenSettings): VerifyToken {
  const verifySignature = createSignatureVerifier(settings);
  const maxLifetimeSeconds = settings.TOKEN_MAX_DAYS * secondsPerDay;
  return async (token) => {
    if (token.length > maxTokenLength || !tokenShape.test(token)) throw new FieldError('unauthorized');
    const payload = await verifySignature(token);
    assertKnownType(decodeProtectedHeader(token).typ);
    const claims = claimsSchema.safeParse(payload);
    if (!claims.success) throw new FieldError('unauthorized', { detail: 'The token lacks a required claim' });
    assertPlausibleTimes(claims.data, maxLifetimeSeconds);
    return claims.data;
  };
}

function isExpired({ exp }: Claims): boolean {
  return (exp + clockToleranceSeconds) * 1000 <= Date.now();
}

/** A token issued in the future would escape revocations that are made until then. */
function assertPlausibleTimes({ iat, exp }: Claims, maxLifetimeSeconds: number): void {
  const now = Date.now() / 1000;
  if (iat !== undefined && iat > now + maxIssuedAheadSeconds) {
    throw new FieldError('unauthorized', { detail: 'The token was issued in the future (iat)' });
  }
  if (exp - Math.min(iat ?? now, now) > maxLifetimeSeconds + clockToleranceSeconds) {
    throw new FieldError('unauthorized', { detail: 'The token is valid for longer than TOKEN_MAX_DAYS allows (exp)' });
  }
}

function createSignatureVerifier(settings: TokenSettings): (token: string) => Promise<unknown> {
  const options: JWTVerifyOptions = {
    issuer: settings.JWT_ISSUER,
    audience: settings.JWT_AUDIENCE,
    requiredClaims: ['sub', 'exp', 'iss', 'aud'],
    clockTolerance: clockToleranceSeconds,
  };
  const { JWT_SECRET: secret, JWT_SECRET_PREVIOUS: previous, JWKS_URL: jwksUrl } = settings;
  if (secret) {
    // Imported once: jose imports raw bytes again for every token.
    const keys = [secret, ...(previous ? [previous] : [])].map(importSecret);
    return async (token) => readPayload(await verifyWithAny(keys, token, { ...options, algorithms: ['HS256'] }));
  }
  if (!jwksUrl) throw new Error('neither a secret nor a JWKS URL is configured');
  const findKey = createKeyFinder(jwksUrl);
  const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
  return async (token) => readPayload(await settle(jwtVerify(token, findKey, { ...options, algorithms })));
}

function importSecret(secret: string): SecretKey {
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', new TextEncoder().encode(secret), hmac, false, ['verify']);
}

type SecretKey = ReturnType<typeof crypto.subtle.importKey>;

/** The result of a verification, or its error. */
type Verification = { readonly verified: JWTVerifyResult } | { readonly error: unknown };

/** Tries the keys in order until one verifies the signature. */
async function verifyWithAny(
  keys: readonly SecretKey[],
  token: string,
  options: JWTVerifyOptions,
): Promise<Verification> {
  let last: Verification = { error: new Error('there is no key') };
  for (const key of keys) {
    last = await settle(jwtVerify(token, await key, options));
    if (!('error' in last && last.error instanceof errors.JWSSignatureVerificationFailed)) return last;
  }
  return last;
}

async function settle(verification: Promise<JWTVerifyResult>): Promise<Verification> {
  try {
    return { verified: await verification };
  } catch (error) {
    return { error };
  }
}

/** The claims of a token with a valid signature. It may have expired, which jose checks last. */
function readPayload(verification: Verification): unknown {
  if ('verified' in verification) return verification.verified.payload;
  const { error } = verification;
  if (error instanceof FieldError) throw error;
  if (error instanceof errors.JWTExpired) return error.payload;
  throw new FieldError('unauthorized', { cause: error });
}

/** A provider signs other kinds of JWT with the same key, such as ID tokens, logout tokens and DPoP proofs. */
function assertKnownType(type: unknown): void {
  if (type === undefined || (typeof type === 'string' && tokenTypes.has(type.toLowerCase()))) return;
  throw new FieldError('unauthorized', { detail: 'The token is of another type (typ)' });
}
