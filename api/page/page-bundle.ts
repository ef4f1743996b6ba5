/** Bundles the live page for browsers. Only `npm run build` and a checkout load it: esbuild is not installed in production. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { packageFile } from '../../shared/process/package-files.ts';
import { landOutlinePlugin } from './land-outline.ts';

export interface PageBundle {
  /** `index.html`; `%GRID_SIZE%` in it is a setting of the server. */
  readonly markup: string;
  /** The service worker; `%VERSION%` in it identifies the markup as the server sends it. */
  readonly worker: string;
  /** What the markup refers to below `page/`, by name. The names contain a hash of the content, so that browsers can keep them for ever. */
  readonly assets: ReadonlyMap<string, Buffer>;
}

/** Source files, by the names that the markup and the manifest use. */
const sources = {
  'app.js': 'main.ts',
  'icon.svg': 'install/icons/icon.svg',
  'touch-icon.png': 'install/icons/touch-icon.png',
  'icon-192.png': 'install/icons/icon-192.png',
  'icon-512.png': 'install/icons/icon-512.png',
  'maskable-512.png': 'install/icons/maskable-512.png',
};

const styleLink = '<link rel="stylesheet" href="style.css" />';

const shared = {
  bundle: true,
  minify: true,
  write: false,
  platform: 'browser',
  target: 'es2022',
  logLevel: 'silent',
} as const satisfies BuildOptions;

const resolveSource = (name: string) => fileURLToPath(packageFile(`page/${name}`));

/** @throws when a source cannot be bundled */
export async function bundlePage(): Promise<PageBundle> {
  const [template, manifest, assets, style] = await Promise.all([
    readFile(resolveSource('index.html'), 'utf8'),
    readFile(resolveSource('install/manifest.json'), 'utf8'),
    bundleAssets(),
    bundleStyle(),
  ]);
  const manifestContent = Buffer.from(JSON.stringify(JSON.parse(withHashes(manifest, assets, '"'))));
  assets.set(`manifest-${hash(manifestContent)}.webmanifest`, manifestContent);
  const markup = withHashes(template, assets, '"page/').replace(styleLink, () => `<style>${style}</style>`);
  return { markup, worker: await bundleWorker(assets), assets };
}

/** @returns the style sheet, which is part of the markup: asking for it would delay the first picture by a round trip */
async function bundleStyle(): Promise<string> {
  const { outputFiles } = await build({ ...shared, entryPoints: [resolveSource('style.css')] });
  return outputFiles[0]?.text.trim() ?? '';
}

async function bundleAssets(): Promise<Map<string, Buffer>> {
  const { outputFiles } = await build({
    ...shared,
    entryPoints: Object.entries(sources).map(([out, source]) => ({
      in: resolveSource(source),
      out: basename(out, extname(out)),
    })),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    plugins: [landOutlinePlugin],
    loader: { '.svg': 'copy', '.png': 'copy' },
    outdir: resolveSource('.'),
    format: 'esm',
    // Code that few visitors need is loaded on demand.
    splitting: true,
  });
  return new Map(outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]));
}

/** @returns the service worker, which names all files that the page needs without a network */
async function bundleWorker(assets: ReadonlyMap<string, Buffer>): Promise<string> {
  const files = [...assets.keys()].filter((name) => extname(name) !== '.png').map((name) => `page/${name}`);
  const { outputFiles } = await build({
    ...shared,
    entryPoints: [resolveSource('install/worker/service-worker.ts')],
    define: { FILES: JSON.stringify(files) },
    format: 'iife',
  });
  return outputFiles[0]?.text ?? '';
}

/** Replaces the names of the assets, where they follow `before`. */
function withHashes(text: string, assets: ReadonlyMap<string, Buffer>, before: string): string {
  return [...assets.keys()].reduce((replaced, asset) => {
    const name = asset.replace(/-[A-Z0-9]{8}(?=\.)/, '');
    return replaced.replaceAll(`${before}${name}"`, `${before}${asset}"`);
  }, text);
}

/** In the format of esbuild's hashes. */
function hash(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 8).toUpperCase();
}
