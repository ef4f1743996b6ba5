/** Refuses by name what Node would refuse without a word: a request that names no host, and expectations but one. */
import { FieldError } from '../shared/errors.ts';
import type { App } from './app-types.ts';

export function refuseUnmetDemands(app: App): void {
  // Without a listener Node answers 417 by itself.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.addHook('onRequest', async ({ headers, raw }) => {
    if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
      throw new FieldError('bad_request', { detail: 'Of expectations, only 100-continue is met' });
    }
    if (headers.host === undefined && raw.httpVersion === '1.1') {
      throw new FieldError('bad_request', { detail: 'The Host header is missing' });
    }
  });
}
