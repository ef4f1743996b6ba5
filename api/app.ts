/** Creates the Fastify instance with its hooks and plugins, before any route is added. Independent of fields. */
import cors from '@fastify/cors';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Config } from '../shared/config/config.ts';
import { parseProxies } from '../shared/config/trusted-proxies.ts';
import { deflateProtocol, maxRequestBytes, streamProtocol } from '../shared/contract/wire.ts';
import { FieldError } from '../shared/errors.ts';
import type { Tracing } from '../shared/observability/tracing.ts';
import type { Logger } from '../shared/process/logger.ts';
import { type App, decorateRequests } from './fastify-types.ts';
import { createHostCheck } from './http/allowed-hosts.ts';
import type { AllowedOrigin } from './http/cors-origins.ts';
import { addForwardedPrefix } from './http/forwarded-prefix.ts';
import { sendProblem, toFieldError } from './http/problem-response.ts';
import { createRequestIds } from './http/request-ids.ts';
import type { ApiMetrics } from './metrics.ts';
import { addOpenApi } from './openapi/openapi.ts';
import { handleClientError, handleUpgradeError } from './plugins/client-error-handler.ts';
import { addErrorHandler } from './plugins/error-handler.ts';
import { addGracefulShutdown } from './plugins/graceful-shutdown.ts';
import { addJsonBodyParser } from './plugins/json-body-parser.ts';
import { addMethodNotAllowed } from './plugins/method-not-allowed.ts';
import { addRateLimitHeaders } from './plugins/rate-limit-headers.ts';
import { addRequestLogging } from './plugins/request-logging.ts';
import { checkRequestPreconditions } from './plugins/request-preconditions.ts';
import { addRequestTracing } from './plugins/request-tracing.ts';
import { addSecurityHeaders } from './plugins/security-headers.ts';

/** The longest valid URL has about 200 characters. */
const maxUrlLength = 2048;
/** The longest interval between two searches for connections whose request does not arrive. */
const maxCheckIntervalMs = 5000;
/** Closes a connection without traffic. Longer than the longest `Prefer: wait` and than the keep-alive of streams. */
const connectionTimeoutMs = 75_000;

const rateLimitHeaders = ['retry-after', 'ratelimit', 'ratelimit-policy'];
const exposedHeaders = ['etag', 'x-cache', 'x-request-id', 'preference-applied', ...rateLimitHeaders];

interface AppDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: ApiMetrics;
  readonly tracing: Tracing | undefined;
  /** The origins that CORS allows. */
  readonly origins: readonly AllowedOrigin[];
  readonly isStopping: () => boolean;
}

export async function createApp({ config, log, metrics, tracing, origins, isStopping }: AppDeps): Promise<App> {
  const app = createFastify(config, log);
  decorateRequests(app);
  addForwardedPrefix(app, parseProxies(config.TRUST_PROXY));
  // Before anything that refuses requests: it closes the sockets of upgrades that are refused.
  await addWebSockets(app, config.STREAM_COMPRESSION ? [deflateProtocol, streamProtocol] : [streamProtocol]);
  rejectLongUrls(app);
  checkRequestPreconditions(app, createHostCheck(config));
  addJsonBodyParser(app);
  addErrorHandler(app, { metrics, showDetails: config.NODE_ENV === 'development' });
  addMethodNotAllowed(app);
  if (tracing) addRequestTracing(app, tracing);
  addRequestLogging(app, log, metrics);
  addRateLimitHeaders(app);
  addGracefulShutdown(app, { isStopping });
  addSecurityHeaders(app);
  await app.register(cors, {
    // An empty list would allow no origin either, but would add CORS headers to every response.
    origin: origins.length > 0 && [...origins],
    methods: ['GET', 'HEAD', 'POST'],
    exposedHeaders,
    strictPreflight: false,
  });
  await addOpenApi(app);
  return app;
}

function createFastify(config: Config, log: Logger): App {
  const requestTimeout = config.REQUEST_TIMEOUT_MS;
  const proxies = parseProxies(config.TRUST_PROXY);
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    // addRequestLogging writes one line for each request instead.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: createRequestIds(),
    bodyLimit: maxRequestBytes,
    // The deadline for the whole request to arrive, against clients that send slowly on purpose.
    requestTimeout,
    http: {
      connectionsCheckingInterval: Math.min(maxCheckIntervalMs, requestTimeout),
      headersTimeout: requestTimeout,
      // checkRequestPreconditions answers with a problem; Node would answer without a body.
      requireHostHeader: false,
    },
    trustProxy: proxies.length > 0 ? [...proxies] : false,
    connectionTimeout: connectionTimeoutMs,
    // Requests that arrive during shutdown are still served; the stream routes refuse new streams.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200 },
    clientErrorHandler: handleClientError,
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, toFieldError(error)),
  }).withTypeProvider<ZodTypeProvider>();
  // Response types are checked at compile time and by the contract's tests, not at run time.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  return app;
}

/** @param subprotocols the preferred one first */
async function addWebSockets(app: App, subprotocols: readonly string[]): Promise<void> {
  await app.register(websocket, {
    options: {
      maxPayload: maxRequestBytes,
      // Clients would compress every small message, each at the cost of an inflation here (docs/adr/0030-compressed-messages.md).
      perMessageDeflate: false,
      handleProtocols: (offered: Set<string>) => subprotocols.find((protocol) => offered.has(protocol)) ?? false,
    },
    // `ws` has already sent a close code to the peer.
    errorHandler: (error, socket, request) => {
      request.log.debug({ err: error }, 'WebSocket error');
      socket.terminate();
    },
    // The lifecycle has drained the streams before; the plugin's own hook would close them without a message.
    preClose: (done) => done(),
  });
  app.websocketServer.on('wsClientError', handleUpgradeError);
}

function rejectLongUrls(app: App): void {
  app.addHook('onRequest', ({ url }, _reply, done) => {
    done(url.length > maxUrlLength ? new FieldError('url_too_long') : undefined);
  });
}
