/**
 * The composition root of the API process: opens the connections, creates the services, adds the routes and listens.
 * Whatever has to be stopped registers with the lifecycle where it is created, and is stopped in reverse order.
 */
import type { RuleSettings } from '../shared/config/rule-settings.ts';
import type { DurabilityMonitor } from '../shared/durability/durability-monitor.ts';
import { startMetricsServer } from '../shared/observability/metrics-server.ts';
import type { UpdateProducer } from '../shared/queue/update-producer.ts';
import { addRoutes } from './add-routes.ts';
import { createApp } from './app.ts';
import { openConnections, type ProcessDeps } from './connections.ts';
import { listOrigins } from './http/cors-origins.ts';
import { createServices } from './services.ts';

export interface RunningApi {
  /** For example `http://127.0.0.1:3000` */
  readonly address: string;
  readonly producer: UpdateProducer;
  readonly commitDurability: DurabilityMonitor;
  readonly readRuleSettings: () => Promise<RuleSettings>;
}

/** Resolves once the API listens, which can take as long as PostgreSQL is unavailable. */
export async function startApi(deps: ProcessDeps): Promise<RunningApi> {
  const { config, log, lifecycle } = deps;
  const connections = await openConnections(deps);
  const services = createServices(deps, connections);
  const { metrics, replies, streams, checkHealth } = services;

  const origins = listOrigins(config);
  const isStopping = () => lifecycle.isStopping;
  const app = await createApp({ config, log, metrics, tracing: connections.tracing, origins, isStopping });
  await addRoutes(app, { config, origins, isStopping, connections, services });
  lifecycle.onStop('http server', () => app.close());
  const address = await app.listen({ host: config.HOST, port: config.PORT });
  // Before the HTTP server, which waits for the requests and the streams that are open.
  lifecycle.onStop('streams and waiting requests', () => {
    replies.close();
    return streams.drain();
  });

  startMetricsServer({
    host: config.METRICS_HOST,
    port: config.METRICS_PORT,
    registry: metrics.registry,
    check: async () => {
      const { status, checks, canRead, canWrite } = await checkHealth();
      return { status, checks, isReady: canRead && canWrite };
    },
    log,
    lifecycle,
  });
  const { producer, commitDurability, readRuleSettings } = connections;
  return { address, producer, commitDurability, readRuleSettings };
}
