/**
 * The files of the live page. A browser needs them as scripts of its own kind, so they are bundled when first asked for,
 * and kept; in development they are bundled anew for each look at the page, so that an edit is there after a reload.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import type { Config } from '../../shared/config/config.ts';

const pageFolder = new URL('../../page/', import.meta.url);
const resolveSource = (name: string) => fileURLToPath(new URL(name, pageFolder));

interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly body: Buffer;
  readonly gzipped: Buffer;
}

/** By path. */
export type PageBundle = Readonly<Record<string, PageFile>>;

/** @returns what gives the files; `fresh` asks for them as they are on the disk now. */
export function createPageBundle(config: Config): (isReload: boolean) => Promise<PageBundle> {
  const isDevelopment = config.NODE_ENV === 'development';
  let bundle: Promise<PageBundle> | undefined;
  return (isReload) => {
    if (isReload && isDevelopment) bundle = undefined;
    bundle ??= buildBundle(config).catch((error: unknown) => {
      bundle = undefined;
      throw error;
    });
    return bundle;
  };
}

async function buildBundle({ GRID_SIZE }: Config): Promise<PageBundle> {
  const [markup, icon, { outputFiles }] = await Promise.all([
    readFile(resolveSource('index.html'), 'utf8'),
    readFile(resolveSource('icon.svg')),
    build({
      entryPoints: [resolveSource('main.ts'), resolveSource('style.css')],
      outdir: resolveSource('.'),
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      logLevel: 'silent',
    }),
  ]);
  const readOutput = (end: string) => Buffer.from(outputFiles.find(({ path }) => path.endsWith(end))?.contents ?? '');
  return {
    '/': createPageFile('text/html; charset=utf-8', Buffer.from(markup.replaceAll('%GRID_SIZE%', String(GRID_SIZE)))),
    '/page/app.js': createPageFile('text/javascript; charset=utf-8', readOutput('.js')),
    '/page/style.css': createPageFile('text/css; charset=utf-8', readOutput('.css')),
    '/page/icon.svg': createPageFile('image/svg+xml', icon),
  };
}

function createPageFile(type: string, body: Buffer): PageFile {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return { type, etag, body, gzipped: gzipSync(body) };
}
