/** Answers with a problem where there is no Fastify request: on HTTP parse errors and failed WebSocket handshakes. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { toProblem } from '../../shared/contract/problem.ts';
import { type ErrorCode, FieldError } from '../../shared/errors.ts';
import { problemContentType } from '../http/problem-response.ts';

/** Codes of Node's `clientError` event; all others are malformed requests. */
const codeByClientError: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
};

/** A listener for `clientError` of Node's HTTP server. */
export function handleClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const code = codeByClientError[error.code ?? ''];
  writeRawProblem(
    socket,
    code ? new FieldError(code) : new FieldError('bad_request', { detail: 'This is not a complete HTTP request' }),
  );
}

/** A listener for `wsClientError` of `ws`, which would answer an invalid upgrade with HTML. */
export function handleUpgradeError({ message }: Error, socket: Duplex): void {
  writeRawProblem(socket, new FieldError('bad_request', { detail: message }));
}

function writeRawProblem(socket: Duplex, error: FieldError): void {
  if (!socket.writable) return void socket.destroy();
  const problem = toProblem(error);
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: ${problemContentType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
