/**
 * Locates files and entry points of this package. A checkout runs TypeScript; the image and an installed package run the output of
 * `npm run build` in `dist`, where a module may be in any file, so no path may be relative to a module.
 */
import { existsSync } from 'node:fs';

/** Modules that are started as a process or thread, preloaded into one, or loaded by a launcher. Paths from the package's folder. */
export const entryPoints = [
  'api/main',
  'api/state/loading/loading-thread',
  'workers/main',
  'workers/backup/main',
  'cli/field',
  'dev/start',
  'dev/processes/exit-with-parent',
  'dev/processes/orphan-reaper',
  'knexfile',
] as const;
export type EntryPoint = (typeof entryPoints)[number];

export const isCompiled = !import.meta.url.endsWith('.ts');

/**
 * The URL of a file of the package.
 * @param path from the package's folder, for example `dist/page/`
 */
export function packageFile(path: string): URL {
  let folder = new URL('./', import.meta.url);
  while (!existsSync(new URL('package.json', folder))) {
    const parent = new URL('../', folder);
    if (parent.href === folder.href) throw new Error(`no package.json above ${import.meta.url}`);
    folder = parent;
  }
  return new URL(path, folder);
}

export function entryPoint(name: EntryPoint): URL {
  return packageFile(isCompiled ? `dist/${name}.js` : `${name}.ts`);
}
