/**
 * The keys of an identity provider, read from its JWKS: cached, read anew when they are old or a token names one that is
 * not among them, and kept for a while when the provider is away. Tokens never say where keys are to be found.
 */
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { FieldError } from '../errors.ts';

/** How long keys are used without another look. */
const cacheMaxAgeMs = 5 * 60_000;
/** However many tokens name unknown keys, the provider is asked no more often. */
const cooldownMs = 10_000;
/** How long the last keys are used while the provider does not answer. */
const maxStaleMs = 24 * 3_600_000;
const timeoutMs = 3000;

export function createKeyFinder(url: string): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: cacheMaxAgeMs,
    cooldownDuration: cooldownMs,
    timeoutDuration: timeoutMs,
  });
  let readAt = 0;
  let failedAt = 0;
  return async (header, token) => {
    const known = remote.jwks();
    // One request in ten seconds finds out whether the provider is back; the others do not wait for it.
    const isUnavailable = Date.now() - failedAt < cooldownMs;
    try {
      if (isUnavailable && !remote.fresh) throw new Error('the identity provider did not answer a moment ago');
      const key = await remote(header, token);
      if (remote.fresh) readAt = Date.now();
      return key;
    } catch (cause) {
      if (isKeyMismatch(cause)) throw cause;
      if (!isUnavailable) failedAt = Date.now();
      if (known && Date.now() - readAt < maxStaleMs) return createLocalJWKSet(known)(header, token);
      throw new FieldError('keys_unavailable', { retryAfterSeconds: 5, cause });
    }
  };
}

/** Whether the provider's keys are known, and the token's is not one of them. */
function isKeyMismatch(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
