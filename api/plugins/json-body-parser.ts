/** Parses request bodies: uncompressed JSON in valid UTF-8. Every other body is refused with a problem. */
import type { FastifyRequest } from 'fastify';
import { FieldError } from '../../shared/errors.ts';
import type { App } from '../fastify-types.ts';
import { parseJson } from '../http/parse-json.ts';

export function addJsonBodyParser(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      throw new FieldError('unsupported_media_type', {
        detail: `The content encoding ${encoding} is not supported`,
      });
    }
    return parseJson(decode(body));
  });
}

/** @throws FieldError `bad_request` */
function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch (cause) {
    throw new FieldError('bad_request', { detail: 'The body is not valid UTF-8', cause });
  }
}
