/**
 * Builds what a run of tests executes, because plain JavaScript starts in half the time that TypeScript takes: a copy of the
 * package as it is installed (`dist/`, `cli/field.mjs`, …), whose processes tests start, and beside it the test files.
 */
import { cp, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { writePage } from '../../dev/build/build-page.ts';
import { bundleServers } from '../../dev/build/build-servers.ts';
import { packageFile } from '../../shared/process/package-files.ts';

const root = fileURLToPath(packageFile('.'));

/** @param files TypeScript, by paths from the package's folder @throws when one cannot be compiled */
export async function buildForTests(files: readonly string[], outdir: string): Promise<void> {
  await Promise.all([buildPackageCopy(outdir), compileTests(files, outdir)]);
}

/** The client is not in it: only its own tests need it, and they build it. */
async function buildPackageCopy(outdir: string): Promise<void> {
  const { files } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { files: string[] };
  const copied = ['package.json', ...files.filter((file) => file !== 'dist')];
  await Promise.all([
    ...copied.map((file) => cp(join(root, file), join(outdir, file))),
    bundleServers(join(outdir, 'dist')),
    writePage(join(outdir, 'dist/page')),
  ]);
  await symlink(join(root, 'node_modules'), join(outdir, 'node_modules'));
}

async function compileTests(files: readonly string[], outdir: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [...files],
    outbase: root,
    outdir,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: `node${process.versions.node}`,
    plugins: [keepSourceUrls],
    // Failures show the lines of the sources, which are read from there.
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'silent',
  });
}

/** What a module finds by its own URL is beside its source. */
const keepSourceUrls: Plugin = {
  name: 'keep-source-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: source.replaceAll('import.meta.url', url), loader: 'ts' };
    });
  },
};
