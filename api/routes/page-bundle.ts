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
const sourceOf = (name: string) => fileURLToPath(new URL(name, pageFolder));

interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly body: Buffer;
  readonly gzipped: Buffer;
}

/** By path. */
export type PageFiles = Readonly<Record<string, PageFile>>;

/** @returns what gives the files; `fresh` asks for them as they are on the disk now. */
export function createPageFiles(config: Config): (fresh: boolean) => Promise<PageFiles> {
  const isEdited = config.NODE_ENV === 'development';
  let kept: Promise<PageFiles> | undefined;
  return (fresh) => {
    if (fresh && isEdited) kept = undefined;
    kept ??= readPage(config).catch((error: unknown) => {
      kept = undefined;
      throw error;
    });
    return kept;
  };
}

async function readPage({ GRID_SIZE }: Config): Promise<PageFiles> {
  const [markup, icon, { outputFiles }] = await Promise.all([
    readFile(sourceOf('index.html'), 'utf8'),
    readFile(sourceOf('icon.svg')),
    build({
      entryPoints: [sourceOf('main.ts'), sourceOf('style.css')],
      outdir: sourceOf('.'),
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      logLevel: 'silent',
    }),
  ]);
  const bundled = (end: string) => Buffer.from(outputFiles.find(({ path }) => path.endsWith(end))?.contents ?? '');
  return {
    '/': pageFile('text/html; charset=utf-8', Buffer.from(markup.replaceAll('%GRID_SIZE%', String(GRID_SIZE)))),
    '/page/app.js': pageFile('text/javascript; charset=utf-8', bundled('.js')),
    '/page/style.css': pageFile('text/css; charset=utf-8', bundled('.css')),
    '/page/icon.svg': pageFile('image/svg+xml', icon),
  };
}

function pageFile(type: string, body: Buffer): PageFile {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return { type, etag, body, gzipped: gzipSync(body) };
}
