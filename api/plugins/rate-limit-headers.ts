/** Tells clients how they stand: `RateLimit` and `RateLimit-Policy`, as draft-ietf-httpapi-ratelimit-headers-10 has them. */
import type { App } from '../fastify-types.ts';
import type { Standing } from '../rate-limits/distributed-rate-limiter.ts';

export function addRateHeaders(app: App): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    const standing = request.claims && request.budget?.standingOf(request.claims.sub);
    if (standing) reply.headers(rateHeaders(standing));
    done();
  });
}

function rateHeaders({ name, limit, windowSeconds, remaining, resetSeconds }: Standing) {
  return {
    'ratelimit-policy': `"${name}";q=${limit};w=${windowSeconds}`,
    ratelimit: `"${name}";r=${remaining};t=${resetSeconds}`,
  };
}
