/**
 * Turns whatever goes wrong in a request into a problem answer (RFC 9457). The only place that does: routes throw.
 * Knows the table of errors and Fastify's codes; what a client may not read stays in the log.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyError, FastifyReply } from 'fastify';
import type { z } from 'zod';
import { toInputErrors, toProblem } from '../shared/contract/problem.ts';
import { type ErrorCode, errorTable, FieldError } from '../shared/errors.ts';
import type { App } from './fastify-types.ts';
import type { ApiMetrics } from './metrics.ts';
import { createSampledErrorLog } from './plugins/sampled-error-log.ts';

const problemType = 'application/problem+json; charset=utf-8';

const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: 'too_large',
  414: 'url_too_long',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  431: 'headers_too_large',
  503: 'shutting_down',
};

/** Any thrown thing as an error of the table. Fastify's own errors say what is wrong with the request in `message`. */
export function toFieldError(error: unknown): FieldError {
  if (error instanceof FieldError) return error;
  const { statusCode, message } = (error ?? {}) as Partial<FastifyError>;
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) {
    return new FieldError('internal', { cause: error });
  }
  const known = codeByStatus[statusCode];
  return known
    ? new FieldError(known, { cause: error })
    : new FieldError('bad_request', { detail: message, cause: error });
}

/** Answers with the problem; the request's line in the log will have its code. */
export function sendProblem(reply: FastifyReply, error: FieldError): FastifyReply {
  const { status, retry } = errorTable[error.code];
  reply.request.problemCode = error.code;
  if (status === 401 && !reply.hasHeader('www-authenticate')) reply.header('www-authenticate', 'Bearer');
  const retryAfter = error.retryAfterSeconds ?? (retry ? 1 : undefined);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  return reply
    .code(status)
    .type(problemType)
    .send(JSON.stringify(toProblem(error)));
}

interface ErrorHandlerOptions {
  readonly metrics: ApiMetrics;
  /** Whether whoever asks is told what went wrong here: a developer, never the public. */
  readonly showDetails: boolean;
  /** How often the log counts the requests that could not be served. */
  readonly reportIntervalMs?: number;
}

export function addErrorHandler(app: App, { metrics, showDetails, reportIntervalMs }: ErrorHandlerOptions): void {
  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => {
    const prefix = httpPart === undefined || httpPart === 'body' ? '' : `/${toLocationName(httpPart)}`;
    return (data) => {
      const parsed = schema.safeParse(data);
      if (parsed.success) return { value: parsed.data };
      return { error: new FieldError('invalid_input', { errors: toInputErrors(parsed.error, prefix) }) };
    };
  });
  const logRequestError = createSampledErrorLog(app.log, reportIntervalMs);
  app.setErrorHandler((thrown, request, reply) => {
    const error = toFieldError(thrown);
    metrics.refused.inc({ code: error.code });
    logRequestError(request, error);
    return sendProblem(reply, showDetails ? withDetails(error) : error);
  });
}

function withDetails(error: FieldError): FieldError {
  const { code, cause } = error;
  return code === 'internal' && cause instanceof Error ? new FieldError(code, { detail: cause.message, cause }) : error;
}

const locationNames: Readonly<Record<string, string>> = { params: 'path', querystring: 'query', headers: 'headers' };
function toLocationName(httpPart: string): string {
  return locationNames[httpPart] ?? httpPart;
}

/** What Node says of requests that never become one. */
const codeByClientError: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
};

/** Answers what is not even HTTP, before there is a request. */
export function handleClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const known = codeByClientError[error.code ?? ''];
  writeRawProblem(
    socket,
    known ? new FieldError(known) : new FieldError('bad_request', { detail: 'This is not a whole HTTP request' }),
  );
}

/** Answers an upgrade to WebSocket that lacks something, which `ws` would with a page. */
export function handleUpgradeError({ message }: Error, socket: Duplex): void {
  writeRawProblem(socket, new FieldError('bad_request', { detail: message }));
}

function writeRawProblem(socket: Duplex, error: FieldError): void {
  const problem = toProblem(error);
  const body = JSON.stringify(problem);
  if (!socket.writable) return void socket.destroy();
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
