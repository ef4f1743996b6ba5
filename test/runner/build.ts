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
  const tap = join(outdir, 'tap/node_modules/@tapjs/tap.js');
  await Promise.all([buildPackageCopy(outdir), bundleTap(tap), compileTests(files, outdir, tap)]);
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

/**
 * Makes one file of tap's 300, which take as much time to load as Node takes to start. Tap recognises its own lines in stack
 * traces by a path like this one.
 */
async function bundleTap(outfile: string): Promise<void> {
  // CommonJS modules call `require`, which an ES module lacks.
  const js = "import { createRequire as create } from 'node:module'; const require = create(import.meta.url);";
  const options = { bundle: true, format: 'esm', platform: 'node', banner: { js }, logLevel: 'silent' } as const;
  await build({ ...options, absWorkingDir: root, entryPoints: ['tap'], outfile });
}

async function compileTests(files: readonly string[], outdir: string, tap: string): Promise<void> {
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
    plugins: [keepSourceUrls, importTapFrom(tap)],
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

const importTapFrom = (file: string): Plugin => ({
  name: 'import-tap',
  setup({ onResolve }) {
    onResolve({ filter: /^tap$/ }, () => ({ path: pathToFileURL(file).href, external: true }));
  },
});
