/** One line per finished request, with its duration, and its measure. No bodies, no queries, no tokens. */
import type { App } from './app-types.ts';
import type { ApiMetrics } from './metrics.ts';
import { pathOf } from './problems.ts';

const quietRoutes: ReadonlySet<string> = new Set(['/api/health/live', '/api/health/ready', '/metrics']);

export function logRequests(app: App, metrics: ApiMetrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, claims, routeOptions } = request;
    const status = reply.statusCode;
    const route = routeOptions.url ?? 'none';
    metrics.requestSeconds.observe({ route, method, status }, reply.elapsedTime / 1000);
    request.log[quietRoutes.has(route) ? 'debug' : 'info'](
      {
        method,
        url: pathOf(request.url),
        status,
        durationMs: Math.round(reply.elapsedTime * 10) / 10,
        device: claims?.device,
      },
      'request finished',
    );
  });
}
