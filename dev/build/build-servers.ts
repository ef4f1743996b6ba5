/** The processes, the command and the migrations of knex's own command as plain JavaScript for Node. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { entryPoints, packageFile } from '../../shared/process/package-files.ts';

/** Code that several entry points share is in `chunks`. @throws when a module is missing */
export async function bundleServers(outdir: string): Promise<void> {
  const root = fileURLToPath(packageFile('.'));
  await build({
    absWorkingDir: root,
    entryPoints: entryPoints.map((name) => `${name}.ts`),
    outbase: root,
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    // The oldest Node that package.json allows.
    target: 'node20.19',
    sourcemap: true,
    // Stack traces need the names and the lines; the sources would make the package three times its size.
    sourcesContent: false,
    logLevel: 'silent',
  });
}
