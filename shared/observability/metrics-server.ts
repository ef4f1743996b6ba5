/**
 * The port for monitoring a process: serves its metrics and health over plain HTTP without a token, and nothing else. Listens on
 * loopback unless configured otherwise.
 */
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { Lifecycle } from '../process/lifecycle.ts';
import type { Logger } from '../process/logger.ts';
import { type RetryAttempt, retry } from '../process/retry.ts';

const retryOptions = { initialDelayMs: 1000, maxDelayMs: 1000 };

/** The content of the response of `/health`. */
interface HealthReport {
  readonly isReady: boolean;
  readonly status: string;
}

interface MetricsServerOptions {
  readonly host: string;
  /** Undefined for no server; 0 for any free port. */
  readonly port: number | undefined;
  readonly registry: Registry;
  readonly check: () => Promise<HealthReport>;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

/**
 * Starts the server. If the port is in use, for example by the process that this one replaces, it retries: the process must work
 * even without metrics.
 */
export function startMetricsServer(options: MetricsServerOptions): void {
  const { host, port, log, lifecycle } = options;
  if (port === undefined) return;
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, createRequestHandler(options));
  server.on('error', (err) => log.debug({ err }, 'metrics server error'));
  lifecycle.onStop('metrics', () => {
    server.close();
    server.closeAllConnections();
  });
  const listen = async (): Promise<void> => {
    server.listen({ host, port });
    await once(server, 'listening');
    log.info({ host, port: (server.address() as AddressInfo).port }, 'metrics server listening');
  };
  const onRetry = (err: unknown, { attempt }: RetryAttempt) => {
    if (attempt === 1) log.error({ err, host, port }, 'metrics server cannot listen; retrying');
  };
  // Rejects only because the process is stopping.
  void retry(listen, { ...retryOptions, signal: lifecycle.signal, onRetry }).catch(() => undefined);
}

function createRequestHandler({ registry, check, lifecycle }: MetricsServerOptions): RequestListener {
  const handlers: Readonly<Record<string, (response: ServerResponse) => Promise<void> | void>> = {
    '/metrics': async (response) => {
      const text = await registry.metrics();
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
    },
    '/health/live': (response) => sendJson(response, 200, { status: 'live' }),
    '/health/ready': async (response) => {
      if (lifecycle.isStopping) return sendJson(response, 503, { status: 'stopping' });
      const { isReady, status } = await check();
      sendJson(response, isReady ? 200 : 503, { status: isReady ? 'ready' : status });
    },
    '/health': async (response) => {
      const { isReady, ...health } = await check();
      sendJson(response, isReady ? 200 : 503, { ...health, timestamp: Date.now() });
    },
  };
  return ({ method, url = '' }, response) => {
    const handler = Object.hasOwn(handlers, url) ? handlers[url] : undefined;
    if (!handler) return sendJson(response, 404, { status: 'not found' });
    if (method !== 'GET' && method !== 'HEAD') return sendJson(response, 405, { status: 'method not allowed' });
    Promise.resolve(handler(response)).catch(() => sendJson(response, 500, { status: 'failed' }));
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
