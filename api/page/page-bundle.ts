/** Bundles the live page for browsers. Only `npm run build` and a checkout load it: esbuild is not there in production. */
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { packageFile } from '../../shared/process/package-files.ts';

export interface PageBundle {
  /** `index.html`; `%GRID_SIZE%` in it is a setting of the server. */
  readonly markup: string;
  /** What the markup refers to below `/page/`, by name. */
  readonly assets: ReadonlyMap<string, Buffer>;
}

/**
 * @param hashed whether the names of the assets contain a hash of their content, so that browsers can keep them for ever
 * @throws when a source cannot be bundled
 */
export async function bundlePage({ hashed }: { readonly hashed: boolean }): Promise<PageBundle> {
  const resolveSource = (name: string) => fileURLToPath(packageFile(`page/${name}`));
  const sources = { 'app.js': 'main.ts', 'style.css': 'style.css', 'icon.svg': 'icon.svg' };
  const [template, { outputFiles }] = await Promise.all([
    readFile(resolveSource('index.html'), 'utf8'),
    build({
      entryPoints: Object.entries(sources).map(([out, source]) => ({
        in: resolveSource(source),
        out: basename(out, extname(out)),
      })),
      entryNames: hashed ? '[name]-[hash]' : '[name]',
      loader: { '.svg': 'copy' },
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
  const assets = new Map(outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]));
  const markup = Object.keys(sources).reduce((text, name) => {
    const asset = [...assets.keys()].find((candidate) => isNamedAfter(candidate, name));
    if (asset === undefined) throw new Error(`the bundle of the page lacks ${name}`);
    return text.replaceAll(`/page/${name}`, `/page/${asset}`);
  }, template);
  return { markup, assets };
}

/** Whether `app-HASH.js` or `app.js` was built for `app.js`. */
function isNamedAfter(asset: string, name: string): boolean {
  const extension = extname(name);
  return extname(asset) === extension && asset.replace(/-[A-Z0-9]+(?=\.)/, '') === name;
}
