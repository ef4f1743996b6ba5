/**
 * The live page in a checkout: bundled at the first request and kept. In development it is bundled again for each view of the
 * page, so that a reload shows an edit.
 */
import { extname } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../shared/config/config.ts';
import { FieldError } from '../../shared/errors.ts';
import type { App } from '../fastify-types.ts';
import { bundlePage } from './page-bundle.ts';
import { createMarkupFile, createPageFile, createWorkerFile, type PageFile, sendPageFile } from './page-file.ts';

const assetTypes: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

type PageConfig = Pick<Config, 'GRID_SIZE' | 'NODE_ENV'>;

export function addPageFromSources(app: App, config: PageConfig): void {
  const isDevelopment = config.NODE_ENV === 'development';
  let bundle: Promise<ReadonlyMap<string, PageFile>> | undefined;
  const readBundle = (isReload: boolean) => {
    if (isReload && isDevelopment) bundle = undefined;
    bundle ??= buildPageFiles(config, isDevelopment).catch((error: unknown) => {
      bundle = undefined;
      throw error;
    });
    return bundle;
  };
  for (const path of ['/', '/service-worker.js', '/page/:name']) {
    const params = z.object({ name: z.string().optional() });
    app.get(path, { schema: { hide: true, params } }, async (request, reply) => {
      const { name } = request.params;
      const file = (await readBundle(path === '/')).get(name === undefined ? path : `/page/${name}`);
      if (!file) throw new FieldError('not_found');
      return sendPageFile(request, reply, file);
    });
  }
}

async function buildPageFiles(config: PageConfig, isDevelopment: boolean): Promise<ReadonlyMap<string, PageFile>> {
  const { markup, worker, assets } = await bundlePage();
  const page = createMarkupFile(markup, config);
  const files = new Map([
    ['/', page],
    ['/service-worker.js', createWorkerFile(worker, page, isDevelopment)],
  ]);
  for (const [name, content] of assets) {
    files.set(`/page/${name}`, createPageFile(assetTypes[extname(name)] ?? 'application/octet-stream', content));
  }
  return files;
}
