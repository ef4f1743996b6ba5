/**
 * Builds the Fastify app from ready connections and parts. `app.close()` ends the parts as well; the connections belong to
 * whoever opened them.
 */
import cors from '@fastify/cors';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { parseProxies } from '../shared/config/trusted-proxies.ts';
import { maxRequestBytes, streamProtocol } from '../shared/contract/wire.ts';
import { FieldError } from '../shared/errors.ts';
import { createFieldGuard } from './auth/field-auth.ts';
import type { Connections } from './connections.ts';
import type { App } from './fastify-types.ts';
import { parseOrigins } from './http/cors-origins.ts';
import { addGracefulShutdown } from './plugins/graceful-shutdown.ts';
import { addJsonBodyParser } from './plugins/json-body-parser.ts';
import { addMethodNotAllowed } from './plugins/method-not-allowed.ts';
import { addOpenApi } from './plugins/openapi.ts';
import { addRateLimitHeaders } from './plugins/rate-limit-headers.ts';
import { addRequestLogging } from './plugins/request-logging.ts';
import { checkRequestPreconditions } from './plugins/request-preconditions.ts';
import { addRequestTracing } from './plugins/request-tracing.ts';
import { addSecurityHeaders } from './plugins/security-headers.ts';
import { addErrorHandler, handleClientError, handleUpgradeError, sendProblem, toFieldError } from './problems.ts';
import { addDeviceRoutes } from './routes/devices.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addHistoryRoutes } from './routes/history.ts';
import { addOperatorRoutes } from './routes/operators.ts';
import { addPageRoutes } from './routes/page.ts';
import { addStateRoutes } from './routes/state.ts';
import { addStreamRoutes } from './routes/streams.ts';
import { addUpdateRoutes } from './routes/updates.ts';
import type { Services } from './services.ts';

/** The longest address that means anything has 200 characters. */
const maxUrlLength = 2048;
/** How often connections are looked at for requests that do not arrive. */
const maxCheckIntervalMs = 5000;
/** Without a byte either way. Longer than the longest `Prefer: wait`, and than a stream's keep-alive. */
const connectionTimeoutMs = 75_000;

const exposedHeaders = ['etag', 'x-cache', 'retry-after', 'preference-applied', 'ratelimit', 'ratelimit-policy'];

export async function buildApp(connections: Connections, services: Services): Promise<App> {
  const { config, reader, producer, verifyToken, revocations, tracing } = connections;
  const { metrics, streams, replies, limits } = services;
  const origins = parseOrigins(config.CORS_ORIGINS);

  const app = createServer(connections);
  rejectLongUrls(app);
  checkRequestPreconditions(app);
  addJsonBodyParser(app);
  addErrorHandler(app, { metrics, showDetails: config.NODE_ENV === 'development' });
  addMethodNotAllowed(app);
  if (tracing) addRequestTracing(app, tracing);
  addRequestLogging(app, connections.log, metrics);
  addRateLimitHeaders(app);
  addGracefulShutdown(app, { streams, replies });
  app.addHook('onClose', async () => services.close());

  addSecurityHeaders(app);
  await app.register(cors, {
    // An empty list would let in nobody either, but speak of CORS in every answer.
    origin: origins.length > 0 && [...origins],
    methods: ['GET', 'HEAD', 'POST'],
    exposedHeaders,
    strictPreflight: false,
  });
  await app.register(websocket, {
    options: {
      maxPayload: maxRequestBytes,
      perMessageDeflate: false,
      handleProtocols: (protocols: Set<string>) => (protocols.has(streamProtocol) ? streamProtocol : false),
    },
    // Errors of a socket close it; `ws` has said why to the peer.
    errorHandler: (error, socket, request) => {
      request.log.debug({ err: error }, 'socket failed');
      socket.terminate();
    },
    // The streams are drained with a goodbye, not closed without a word.
    preClose: (done) => done(),
  });
  app.websocketServer.on('wsClientError', handleUpgradeError);
  await addOpenApi(app);

  const createGuard = createFieldGuard({ verifyToken, limits });
  const guard = createGuard('field:read');
  addHealthRoutes(app, { check: services.checkHealth, isStopping: () => streams.isDraining });
  addDeviceRoutes(app, { config, revocations, limits });
  addUpdateRoutes(app, { ...services, config, reader, guard: createGuard('field:write') });
  addStateRoutes(app, { ...services, guard });
  addHistoryRoutes(app, { config, reader, guard });
  addStreamRoutes(app, { ...services, config, verifyToken, guard, origins });
  addPageRoutes(app, config);
  addOperatorRoutes(app, { config, verifyToken, limits, producer, metrics });
  await app.ready();
  return app;
}

function rejectLongUrls(app: App): void {
  app.addHook('onRequest', ({ url }, _reply, done) => {
    done(url.length > maxUrlLength ? new FieldError('url_too_long') : undefined);
  });
}

function createServer({ log, config }: Connections): App {
  const requestTimeout = config.REQUEST_TIMEOUT_MS;
  const proxies = parseProxies(config.TRUST_PROXY);
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    // Requests are logged by their own hook, in one line each.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: maxRequestBytes,
    // For the whole request to arrive; slower ones are attacks.
    requestTimeout,
    http: {
      connectionsCheckingInterval: Math.min(maxCheckIntervalMs, requestTimeout),
      headersTimeout: requestTimeout,
      // Refused by a hook, since Node would do it without a word.
      requireHostHeader: false,
    },
    trustProxy: proxies.length > 0 ? [...proxies] : false,
    connectionTimeout: connectionTimeoutMs,
    // What comes while streams are drained is still served; new streams are refused by their routes.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200 },
    clientErrorHandler: handleClientError,
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, toFieldError(error)),
  }).withTypeProvider<ZodTypeProvider>();
  app.decorateRequest('claims', null);
  app.decorateRequest('budget', null);
  app.decorateRequest('refusal', null);
  app.decorateRequest('problemCode', null);
  // The types of answers are checked when they are compiled, and by the contract's tests.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  return app;
}
