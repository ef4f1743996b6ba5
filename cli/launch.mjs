/**
 * Runs a module of this package: its TypeScript where that is, in a checkout, and else what `npm run build` made of it, in
 * the image and in an installed package. A build that lies about in a checkout is never used, since it may be stale.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @param {string} name the module's path from the package's folder, without extension */
export async function launch(name) {
  const root = new URL('../', import.meta.url);
  const source = new URL(`${name}.ts`, root);
  if (!existsSync(source)) return import(new URL(`dist/${name}.js`, root).href);
  const { register } = await import('tsx/esm/api');
  // Its own tsconfig: the one of the folder that it was started in is somebody else's.
  register({ tsconfig: fileURLToPath(new URL('tsconfig.json', root)) });
  return import(source.href);
}
