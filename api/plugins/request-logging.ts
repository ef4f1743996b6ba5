/**
 * Writes one log line and one observation of the latency histogram per request. Never logs bodies, queries or tokens. The line has
 * the request id of the response and the counters of accepted updates, so that a client's report can be traced to a field's log.
 */
import type { Logger } from '../../shared/process/logger.ts';
import type { App } from '../fastify-types.ts';
import { stripQuery } from '../http/strip-query.ts';
import type { ApiMetrics } from '../metrics.ts';

const quietRoutes: ReadonlySet<string> = new Set(['/api/health/live', '/api/health/ready', '/metrics']);

/** The duration of a stream is not a latency. */
const streamRoutes: ReadonlySet<string> = new Set(['/api/fields/:field/stream', '/api/fields/:field/events']);
const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export function addRequestLogging(app: App, log: Logger, metrics: ApiMetrics): void {
  // These fields contain no secrets, and redaction would double the cost of a line.
  const requestLog = log.child({}, { redact: [] });
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
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
        counters: request.acceptedCounters ?? undefined,
      },
      'request finished',
    );
    done();
  });
}

function toStatusClass(status: number): string {
  return `${Math.floor(status / 100)}xx`;
}
