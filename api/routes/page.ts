/** `GET /`: the live page and its files. Needs no token, because the page itself loads all data with one. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { Config } from '../../shared/config/config.ts';
import { isCompiled, packageFile } from '../../shared/process/package-files.ts';
import type { App } from '../fastify-types.ts';
import { createMarkupFile, createWorkerFile, sendPageFile } from '../page/page-file.ts';
import { createPageHeaders } from '../plugins/security-headers.ts';

type PageConfig = Pick<Config, 'GRID_SIZE' | 'NODE_ENV'>;

/** Compiled code serves the page that was built with it; a checkout builds the page when a browser asks for it. */
export async function addPageRoutes(app: App, config: PageConfig): Promise<void> {
  if (isCompiled) return addBuiltPage(app, config, packageFile('dist/page/'));
  const { addPageFromSources } = await import('../page/page-from-sources.ts');
  addPageFromSources(app, config);
}

/** Serves the build: `index.html`, the service worker, and in `assets/` files with a hash of their content in their name. */
export async function addBuiltPage(app: App, config: PageConfig, folder: URL): Promise<void> {
  const headers = createPageHeaders();
  const read = (name: string) => readFile(new URL(name, folder), 'utf8');
  const markup = createMarkupFile(await read('index.html'), config);
  const worker = createWorkerFile(await read('service-worker.js'), markup);
  app.get('/', { schema: { hide: true } }, (request, reply) => sendPageFile(request, reply, markup));
  app.get('/service-worker.js', { schema: { hide: true } }, (request, reply) => sendPageFile(request, reply, worker));
  await app.register(fastifyStatic, {
    root: fileURLToPath(new URL('assets/', folder)),
    prefix: '/page/',
    // One route for each file: no part of a request's path reaches the file system.
    wildcard: false,
    globIgnore: ['**/*.{br,gz}'],
    preCompressed: true,
    immutable: true,
    maxAge: '1y',
    decorateReply: false,
    setHeaders: (reply) => void reply.headers(headers),
  });
}
