/** `GET /`: the live page and its files. Needs no token: what it shows, it asks for with one. */
import type { Config } from '../../shared/config/config.ts';
import type { App } from '../fastify-types.ts';
import { matchesEtag } from '../http/etag.ts';
import { pageHeaders } from '../plugins/security-headers.ts';
import { createPageBundle } from './page-bundle.ts';

const paths = ['/', '/page/app.js', '/page/style.css', '/page/icon.svg'] as const;

export function addPageRoutes(app: App, config: Config): void {
  const readBundle = createPageBundle(config);
  for (const path of paths) {
    app.get(path, { schema: { hide: true } }, async (request, reply) => {
      reply.headers(pageHeaders);
      const file = (await readBundle(path === '/'))[path];
      if (!file) throw new Error(`the page has no file ${path}`);
      reply.header('etag', file.etag).header('cache-control', 'no-cache').header('vary', 'accept-encoding');
      if (matchesEtag(request.headers['if-none-match'], file.etag)) return reply.code(304).send();
      reply.type(file.type);
      if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(file.body);
      return reply.header('content-encoding', 'gzip').send(file.gzipped);
    });
  }
}
