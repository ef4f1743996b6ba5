/**
 * The live page in a checkout: bundled when first asked for and kept. In development it is bundled anew for each look at
 * the page, so that an edit is there after a reload.
 */
import type { Config } from '../../shared/config/config.ts';
import type { App } from '../fastify-types.ts';
import { bundlePage } from './page-bundle.ts';
import { createMarkupFile, createPageFile, type PageFile, sendPageFile } from './page-file.ts';

const assetTypes = {
  '/page/app.js': 'text/javascript; charset=utf-8',
  '/page/style.css': 'text/css; charset=utf-8',
  '/page/icon.svg': 'image/svg+xml',
};

type PageConfig = Pick<Config, 'GRID_SIZE' | 'NODE_ENV'>;

export function addPageFromSources(app: App, config: PageConfig): void {
  let bundle: Promise<ReadonlyMap<string, PageFile>> | undefined;
  const readBundle = (isReload: boolean) => {
    if (isReload && config.NODE_ENV === 'development') bundle = undefined;
    bundle ??= buildPageFiles(config).catch((error: unknown) => {
      bundle = undefined;
      throw error;
    });
    return bundle;
  };
  for (const path of ['/', ...Object.keys(assetTypes)]) {
    app.get(path, { schema: { hide: true } }, async (request, reply) => {
      const file = (await readBundle(path === '/')).get(path);
      if (!file) throw new Error(`the page has no file ${path}`);
      return sendPageFile(request, reply, file);
    });
  }
}

async function buildPageFiles(config: PageConfig): Promise<ReadonlyMap<string, PageFile>> {
  const { markup, assets } = await bundlePage({ hashed: false });
  const files = new Map([['/', createMarkupFile(markup, config)]]);
  for (const [path, type] of Object.entries(assetTypes)) {
    const content = assets.get(path.replace('/page/', ''));
    if (content) files.set(path, createPageFile(type, content));
  }
  return files;
}
