/**
 * Refuses with a problem what Node would refuse without a body: a missing `Host` and unsupported expectations. Also refuses
 * bodies of GET and HEAD requests, and hosts that are not served. Records where a request comes from.
 */
import type { IncomingMessage } from 'node:http';
import { FieldError } from '../../shared/errors.ts';
import type { App } from '../fastify-types.ts';
import type { IsAllowedHost } from '../http/allowed-hosts.ts';

export function checkRequestPreconditions(app: App, isAllowedHost: IsAllowedHost): void {
  // Without a listener Node answers 417.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    const address: string | undefined = request.ip;
    if (address === undefined) return done(new FieldError('bad_request', { detail: 'The connection is closed' }));
    request.address = address;
    const violation = findViolation(raw);
    if (violation !== undefined) return done(new FieldError('bad_request', { detail: violation }));
    if (raw.headers.host !== undefined && !isAllowedHost(raw.headers.host))
      return done(new FieldError('forbidden', { detail: 'ALLOWED_HOSTS does not name the host of this request' }));
    if (!hasUnexpectedBody(raw)) return done();
    // Node would otherwise read the body to its end, to reuse the connection.
    reply.header('connection', 'close');
    done(new FieldError('too_large', { detail: `A ${raw.method} request must not have a body` }));
  });
}

function hasUnexpectedBody({ method, headers }: IncomingMessage): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function findViolation({ headers, httpVersion }: IncomingMessage): string | undefined {
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    return 'The only supported expectation is 100-continue';
  }
  return headers.host === undefined && httpVersion === '1.1' ? 'The Host header is missing' : undefined;
}
