/** Refuses with a problem what Node would refuse without a body: a missing `Host` and unsupported expectations. */
import type { IncomingMessage } from 'node:http';
import { FieldError } from '../../shared/errors.ts';
import type { App } from '../fastify-types.ts';

export function checkRequestPreconditions(app: App): void {
  // Without a listener Node answers 417.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    const violation = findViolation(raw);
    done(violation === undefined ? undefined : new FieldError('bad_request', { detail: violation }));
  });
}

function findViolation({ headers, httpVersion }: IncomingMessage): string | undefined {
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    return 'The only supported expectation is 100-continue';
  }
  return headers.host === undefined && httpVersion === '1.1' ? 'The Host header is missing' : undefined;
}
