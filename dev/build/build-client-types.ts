/** The type declarations of the client's package: only those that its entries need, and none that are internal. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packageFile } from '../../shared/process/package-files.ts';

const relativeSpecifier = /((?:from|import\() ?['"])(\.[^'"]+)\.ts(?=['"])/g;

/**
 * Writes the declarations of modules, and of the modules that they import.
 * @param modules paths from the checkout without `.ts`; the paths in `outdir` are the same
 * @throws when the types do not compile
 */
export async function emitTypes(modules: readonly string[], outdir: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'client-types-'));
  try {
    await compileDeclarations(folder);
    const reached = new Set(modules);
    for (const module of reached) {
      const declaration = await readFile(join(folder, `${module}.d.ts`), 'utf8');
      for (const [, , specifier = ''] of declaration.matchAll(relativeSpecifier))
        reached.add(join(dirname(module), specifier));
      const path = join(outdir, `${module}.d.ts`);
      await mkdir(dirname(path), { recursive: true });
      // Compilers look for `x.d.ts` when `x.js` is imported, and the package does not contain `x.ts`.
      await writeFile(path, declaration.replaceAll(relativeSpecifier, '$1$2.js'));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compileDeclarations(outDir: string): Promise<void> {
  const [compiler, project] = ['node_modules/typescript7/bin/tsc', 'tsconfig.client.json'].map((path) =>
    fileURLToPath(packageFile(path)),
  );
  const args = [`${compiler}`, '-p', `${project}`, '--outDir', outDir];
  await promisify(execFile)(process.execPath, args).catch((error: Error & { stdout?: string }) => {
    throw new Error(`the client's types could not be made:\n${error.stdout || error.message}`, { cause: error });
  });
}
