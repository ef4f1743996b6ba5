/** Adds the headers `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11). */
import type { App } from '../fastify-types.ts';
import { createCaller } from '../rate-limits/caller.ts';
import type { RateLimitStatus } from '../rate-limits/distributed-rate-limiter.ts';

export function addRateLimitHeaders(app: App): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    const { claims, rateLimiter, address } = request;
    const status = claims && rateLimiter?.statusOf(createCaller(claims, address).user);
    if (status) reply.headers(formatRateLimitHeaders(status));
    done();
  });
}

/** Strings with parameters, as structured fields (RFC 9651). The names have no character that would need escaping. */
function formatRateLimitHeaders({ name, limit, windowSeconds, remaining, resetSeconds }: RateLimitStatus) {
  return {
    'ratelimit-policy': `"${name}";q=${limit};w=${windowSeconds}`,
    ratelimit: `"${name}";r=${remaining};t=${resetSeconds}`,
  };
}
