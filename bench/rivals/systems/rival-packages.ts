/** Installs the packages of the rivals, which are no dependencies of this project, and loads them. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

const folder = new URL('../packages/', import.meta.url);
const manifestSchema = z.object({ dependencies: z.record(z.string(), z.string()) });
const installedSchema = z.object({ version: z.string() });

/** Installs the packages unless they are there in the versions that `package.json` names. @returns these versions */
export async function installRivalPackages(
  printLine: (line: string) => void,
): Promise<Readonly<Record<string, string>>> {
  const { dependencies } = manifestSchema.parse(await readJson('package.json'));
  const missing: string[] = [];
  for (const [name, version] of Object.entries(dependencies)) {
    const installed = await readJson(`node_modules/${name}/package.json`).catch(() => ({ version: '' }));
    if (installedSchema.parse(installed).version !== version) missing.push(name);
  }
  if (missing.length > 0) {
    printLine(`installing ${missing.join(', ')} in bench/rivals/packages`);
    await promisify(execFile)('npm', [
      'ci',
      '--prefix',
      fileURLToPath(folder),
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
    ]);
  }
  return dependencies;
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(path, folder), 'utf8'));
}

/** Loads an installed package, as CommonJS, since Yjs must not be loaded twice. */
export const requireRivalPackage = createRequire(new URL('package.json', folder));
