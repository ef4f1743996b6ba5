/**
 * Runs a module of this package: its TypeScript where that exists, in a checkout, otherwise the output of `npm run build`, in
 * the image and in an installed package. A build in a checkout is never used, because it may be stale.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @param {string} name the module's path from the package's folder, without extension */
export async function launch(name) {
  const root = new URL('../', import.meta.url);
  const source = new URL(`${name}.ts`, root);
  if (!existsSync(source)) return import(new URL(`dist/${name}.js`, root).href);
  const { register } = await import('tsx/esm/api');
  // Its own tsconfig, not that of the current folder, which may belong to another project.
  register({ tsconfig: fileURLToPath(new URL('tsconfig.json', root)) });
  return import(source.href);
}
