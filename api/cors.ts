/** Which other sites' pages may read the answers (CORS). The headers stand in tables, like those of security. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App } from './app-types.ts';

const exposedHeaders = 'etag, x-cache, retry-after, preference-applied, ratelimit, ratelimit-policy';

/** @param origins those that may; `*` among them stands for all */
export function answerOtherSites(app: App, origins: readonly string[]): void {
  const isOpen = origins.includes('*');
  const exposed = { 'access-control-expose-headers': exposedHeaders };
  // Caches are told that the answer depends on who asks, whoever does.
  const headers = isOpen ? { 'access-control-allow-origin': '*', ...exposed } : { vary: 'Origin', ...exposed };
  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    reply.headers(headers);
    if (!isOpen && origin !== undefined && origins.includes(origin))
      reply.header('access-control-allow-origin', origin);
    done();
  });

  const preflight = {
    vary: isOpen ? 'Access-Control-Request-Headers' : 'Origin, Access-Control-Request-Headers',
    'access-control-allow-methods': 'GET, HEAD, POST',
    'content-length': '0',
  };
  const answerPreflight = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const asked = request.headers['access-control-request-headers'];
    if (asked !== undefined) reply.header('access-control-allow-headers', asked);
    return reply.code(204).headers(preflight).send();
  };
  // Before a body is read.
  app.options('*', { onRequest: answerPreflight, schema: { hide: true } }, () => undefined);
}
