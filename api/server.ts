/** Starts an API: connections, the app, its address. What it starts, the lifecycle stops. */
import type { Config } from '../shared/config/config.ts';
import { reportPeriodically } from '../shared/every-minute.ts';
import { startMetricsServer } from '../shared/observability/metrics-server.ts';
import type { Lifecycle } from '../shared/process/lifecycle.ts';
import type { Logger } from '../shared/process/logger.ts';
import { buildApp } from './app.ts';
import { createCacheUseReport } from './cache-use-log.ts';
import { type Connections, connectApi } from './connections.ts';
import type { App } from './fastify-types.ts';
import { createServices, type Services } from './services.ts';

interface StartApiDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

export interface RunningApi {
  readonly app: App;
  readonly connections: Connections;
  /** For example `http://127.0.0.1:3000` */
  readonly address: string;
}

/** Resolves when it listens; waits for PostgreSQL as long as it takes. */
export async function startApi({ config, log, lifecycle }: StartApiDeps): Promise<RunningApi> {
  const connections = await connectApi(config, log, lifecycle);
  const services = createServices(connections);
  const app = await buildApp(connections, services);
  lifecycle.onStop('http', () => app.close());
  const address = await app.listen({ host: config.HOST, port: config.PORT });
  reportPeriodically('cache use', createCacheUseReport(services.metrics, log), lifecycle);
  startMetricsServer({
    host: config.METRICS_HOST,
    port: config.METRICS_PORT,
    registry: services.metrics.registry,
    check: () => checkReadiness(services),
    log,
    lifecycle,
  });
  return { app, connections, address };
}

async function checkReadiness({ checkHealth }: Services) {
  const { status, checks, canRead, canWrite } = await checkHealth();
  return { status, checks, isReady: canRead && canWrite };
}
