/** One line per finished request, with its duration, and its measure. No bodies, no queries, no tokens. */
import type { Logger } from '../../shared/process/logger.ts';
import type { App } from '../fastify-types.ts';
import { stripQuery } from '../http/strip-query.ts';
import type { ApiMetrics } from '../metrics.ts';

const quietRoutes: ReadonlySet<string> = new Set(['/api/health/live', '/api/health/ready', '/metrics']);

/** A stream stays open for as long as somebody looks: that is no latency. */
const streamRoutes: ReadonlySet<string> = new Set(['/api/fields/:field/stream', '/api/fields/:field/events']);
const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export function addRequestLogging(app: App, log: Logger, metrics: ApiMetrics): void {
  // Nothing in these lines can be a secret, and looking through each for one is half of what it costs.
  const requestLog = log.child({}, { redact: [] });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, claims, routeOptions } = request;
    const status = reply.statusCode;
    const route = routeOptions.url ?? 'none';
    if (!streamRoutes.has(route) || status >= 400) {
      const labels = { route, method: knownMethods.has(method) ? method : 'other', status: toStatusClass(status) };
      metrics.requestSeconds.observe(labels, reply.elapsedTime / 1000);
    }
    requestLog[quietRoutes.has(route) ? 'debug' : 'info'](
      {
        reqId: request.id,
        method,
        url: stripQuery(request.url),
        status,
        code: request.problemCode ?? undefined,
        durationMs: Math.round(reply.elapsedTime * 10) / 10,
        device: claims?.device,
      },
      'request finished',
    );
    done();
  });
}

function toStatusClass(status: number): string {
  return `${Math.floor(status / 100)}xx`;
}
