/** Turns any thrown value into an entry of the error table, and that into a response. */
import type { FastifyError, FastifyReply } from 'fastify';
import { toProblem } from '../../shared/contract/problem.ts';
import { type ErrorCode, errorTable, FieldError } from '../../shared/errors.ts';

export const problemContentType = 'application/problem+json; charset=utf-8';

/** For errors of Fastify and its plugins, which only have a status. */
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
};

/**
 * Any thrown value as an error of the table. An unknown error with a 4xx status is Fastify's own: its message describes the
 * request and is sent to the client. Everything else is `internal`.
 */
export function toFieldError(error: unknown): FieldError {
  if (error instanceof FieldError) return error;
  const { statusCode, message } = (error ?? {}) as Partial<FastifyError>;
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) {
    return new FieldError('internal', { cause: error });
  }
  const code = codeByStatus[statusCode];
  return code
    ? new FieldError(code, { cause: error })
    : new FieldError('bad_request', { detail: message, cause: error });
}

/** Sends the problem and records its code on the request, for the access log. */
export function sendProblem(reply: FastifyReply, error: FieldError): FastifyReply {
  const { status, retry } = errorTable[error.code];
  reply.request.problemCode = error.code;
  if (status === 401 && !reply.hasHeader('www-authenticate')) reply.header('www-authenticate', 'Bearer');
  const retryAfter = error.retryAfterSeconds ?? (retry ? 1 : undefined);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  return reply
    .code(status)
    .type(problemContentType)
    .send(JSON.stringify(toProblem(error, reply.request.forwardedPrefix)));
}
