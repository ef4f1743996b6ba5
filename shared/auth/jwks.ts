/**
 * Finds the keys of an identity provider in its JWKS. Keys are cached, refreshed when they expire or a token names an unknown
 * one, and used for a limited time while the provider is unavailable. The URL comes from the configuration, never from a token.
 */
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { FieldError } from '../errors.ts';
import { dayMs } from '../time-units.ts';

/** How long keys are used without a refresh. */
const cacheMaxAgeMs = 5 * 60_000;
/** The shortest time between two requests to the provider, however many tokens name unknown keys. */
const cooldownMs = 10_000;
/** How long stale keys are used while the provider does not answer. */
const maxStaleMs = dayMs;
const timeoutMs = 3000;

export function createKeyFinder(url: string): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: cacheMaxAgeMs,
    cooldownDuration: cooldownMs,
    timeoutDuration: timeoutMs,
  });
  // Of the monotonic clock, because the wall clock can be set back.
  let readAt = Number.NEGATIVE_INFINITY;
  let failedAt = Number.NEGATIVE_INFINITY;
  return async (header, token) => {
    const known = remote.jwks();
    // After a failure, one request per cooldown probes the provider; the others use stale keys without waiting.
    const isUnavailable = performance.now() - failedAt < cooldownMs;
    try {
      if (isUnavailable && !remote.fresh) throw new Error('the identity provider is unavailable');
      const key = await remote(header, token);
      if (remote.fresh) readAt = performance.now();
      return key;
    } catch (cause) {
      if (isKeyMismatch(cause)) throw cause;
      if (!isUnavailable) failedAt = performance.now();
      if (known && performance.now() - readAt < maxStaleMs) return createLocalJWKSet(known)(header, token);
      throw new FieldError('keys_unavailable', { retryAfterSeconds: 5, cause });
    }
  };
}

/** Whether the provider answered but has no key for the token. */
function isKeyMismatch(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
