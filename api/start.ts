/** Starts an API: connections, the app, its address. What it starts, the lifecycle stops. */
import type { Config } from '../shared/config.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import type { Logger } from '../shared/log.ts';
import { buildApp } from './app.ts';
import type { App } from './app-types.ts';
import { type Connections, connectApi } from './connections.ts';

interface StartOptions {
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
export async function startApi({ config, log, lifecycle }: StartOptions): Promise<RunningApi> {
  const connections = await connectApi(config, log, lifecycle);
  const app = await buildApp(connections);
  lifecycle.onStop('http', () => app.close());
  const address = await app.listen({ host: config.HOST, port: config.PORT });
  return { app, connections, address };
}
