/** Adds the headers `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11). */
import type { App } from '../fastify-types.ts';
import type { RateLimitStatus } from '../rate-limits/distributed-rate-limiter.ts';

export function addRateLimitHeaders(app: App): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    const status = request.claims && request.rateLimiter?.statusOf(request.claims.sub);
    if (status) reply.headers(formatRateLimitHeaders(status));
    done();
  });
}

function formatRateLimitHeaders({ name, limit, windowSeconds, remaining, resetSeconds }: RateLimitStatus) {
  return {
    'ratelimit-policy': `"${name}";q=${limit};w=${windowSeconds}`,
    ratelimit: `"${name}";r=${remaining};t=${resetSeconds}`,
  };
}
