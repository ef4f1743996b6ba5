/** Adds all routes, and gives each of them the services that it needs. */
import { readOperators } from '../shared/auth/operators.ts';
import type { Config } from '../shared/config/config.ts';
import { createFieldGuardFactory } from './auth/field-auth.ts';
import type { Connections } from './connections.ts';
import type { App } from './fastify-types.ts';
import type { AllowedOrigin } from './http/cors-origins.ts';
import { addLegacyTrpc } from './legacy-trpc/legacy-services.ts';
import { createOperatorGuardFactory } from './operators/operator-guard.ts';
import { createUpdatesSearch } from './operators/search/search-updates.ts';
import { addErrorDocsRoute } from './routes/error-docs.ts';
import { addExportRoutes } from './routes/export.ts';
import { addFieldsRoutes } from './routes/fields.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addHistoryRoutes } from './routes/history.ts';
import { addOperatorRoutes } from './routes/operators.ts';
import { addPageRoutes } from './routes/page.ts';
import { addChangeRoutes } from './routes/pipelines/changes.ts';
import { addPresenceRoutes } from './routes/presence.ts';
import { addStateRoutes } from './routes/state.ts';
import { addStreamRoutes } from './routes/streams.ts';
import { addDeviceRoutes } from './routes/tokens/devices.ts';
import { addViewerTokenRoutes } from './routes/tokens/viewer-tokens.ts';
import { addUpdateRoutes } from './routes/updates.ts';
import type { Services } from './services.ts';
import { TurnBudget } from './streaming/transports/turn-budget.ts';
import { UnhandledBytes } from './streaming/transports/unhandled-bytes.ts';

interface RoutesDeps {
  readonly config: Config;
  readonly origins: readonly AllowedOrigin[];
  readonly isStopping: () => boolean;
  readonly connections: Connections;
  readonly services: Services;
}

/** @throws ConfigError when `OPERATORS_FILE` cannot be used */
export async function addRoutes(
  app: App,
  { config, origins, isStopping, connections, services }: RoutesDeps,
): Promise<void> {
  const { reader, readExportPages: readPages, producer, revocations, clock } = connections;
  const { metrics, versions, presence, states, pastStates, verifyToken, replies, hub, limits, streams } = services;
  const { admission, acceptUpdates, acceptMessage, checkHealth, operatorLog, readOverview, changeSignal } = services;
  const createGuard = createFieldGuardFactory({ verifyToken, limits });
  const readGuard = createGuard('field:read');
  const writeGuard = createGuard('field:write');
  const inboxes = { turns: new TurnBudget(), unhandled: new UnhandledBytes() };
  const stream = { hub, presence, streams, verifyToken, metrics, clock, limits };
  const sessions = { config, acceptMessage, ...stream, ...inboxes };

  addHealthRoutes(app, { check: checkHealth, isStopping });
  addDeviceRoutes(app, { config, revocations, limits });
  addViewerTokenRoutes(app, { config, guard: readGuard, limits });
  addUpdateRoutes(app, { config, guard: writeGuard, admission, acceptUpdates, replies, reader, versions, clock });
  addStateRoutes(app, { guard: readGuard, states, pastStates, presence, versions, metrics });
  addPresenceRoutes(app, { guard: readGuard, presence });
  addFieldsRoutes(app, { guard: readGuard, listFields: connections.listFields });
  addHistoryRoutes(app, { config, guard: readGuard, reader });
  addExportRoutes(app, { guard: readGuard, reader, readPages, verifyToken, limits, isStopping });
  addStreamRoutes(app, { guard: readGuard, limits, states, origins, isStopping, sessions });
  if (config.LEGACY_TRPC_FIELD) {
    const { cacheRedis, keys } = connections;
    const deps = {
      config,
      admission,
      cacheRedis,
      clock,
      keys,
      limits,
      metrics,
      presence,
      reader,
      replies,
      revocations,
      states,
      versions,
    };
    await addLegacyTrpc(app, config.LEGACY_TRPC_FIELD, { ...deps, acceptUpdates: services.acceptLegacyUpdates });
  }
  addErrorDocsRoute(app);
  await addPageRoutes(app, config);
  const operators = readOperators(config);
  const createOperatorGuard = createOperatorGuardFactory({ verifyToken, limits, operators, operatorLog });
  addChangeRoutes(app, {
    guard: createOperatorGuard(() => 'changes:read'),
    ...{ feed: connections.changeFeed, signal: changeSignal, verifyToken, limits, operatorLog, isStopping },
  });
  const searchUpdates = createUpdatesSearch(connections.searchLog);
  const { listOperatorActions, changeRun } = connections;
  const pages = { producer, operatorLog, readOverview, searchUpdates, listOperatorActions, changeRun };
  addOperatorRoutes(app, { config, createGuard: createOperatorGuard, producer, metrics, operatorLog, pages });
}
