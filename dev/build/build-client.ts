/** Builds the client's package as plain JavaScript with types, the content of `client/dist`. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';
import { packageFile } from '../../shared/process/package-files.ts';
import { emitTypes } from './build-client-types.ts';
import { internalNames } from './internal-names.ts';
import { replaceFolder } from './replace-folder.ts';

/** The modules of `client/` that apps import; `exports` of `client/package.json` has a specifier for each. */
export const clientEntries = [
  'field-client',
  'react',
  'react/native',
  'editing/editor',
  'inspector',
  'presence/presence-of',
  'state/optimistic-state',
  'storage/async-storage',
  'storage/expo-sqlite-storage',
  'storage/file-storage',
  'storage/indexed-db-storage',
  'storage/local-storage',
  'storage/memory-storage',
  'storage/mmkv-storage',
  'storage/persistent-storage',
  'storage/prefixed-storage',
  'storage/storage',
  'storage/storage-checks',
  'tabs/tab-client',
] as const;
type ClientEntry = (typeof clientEntries)[number];

const root = fileURLToPath(packageFile('.'));

/** The options of all bundles of the client: any ES2022 platform, without the packages that an app provides. */
function bundleOptions(entries: readonly ClientEntry[]): BuildOptions {
  return {
    absWorkingDir: root,
    entryPoints: entries.map((entry) => `client/${entry}.ts`),
    outbase: 'client',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    external: ['react', 'node:*'],
    mangleProps: new RegExp(`^(${internalNames.join('|')})$`),
    logLevel: 'silent',
  };
}

export interface BundleSize {
  readonly bytes: number;
  readonly gzippedBytes: number;
  /** The modules in the bundle. */
  readonly inputs: readonly string[];
}

/** The minified size of a bundle of the entries, with everything that they need. */
export async function measureBundle(...entries: ClientEntry[]): Promise<BundleSize> {
  const { outputFiles, metafile } = await build({
    ...bundleOptions([]),
    stdin: { contents: entries.map((entry) => `export * from './client/${entry}.ts';`).join('\n'), resolveDir: root },
    minify: true,
    write: false,
    metafile: true,
    outdir: root,
  });
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  return {
    bytes: code.length,
    gzippedBytes: gzipSync(code, { level: 9 }).length,
    inputs: Object.keys(metafile.inputs).filter((input) => input !== '<stdin>'),
  };
}

/** Replaces `outdir` with a new build. @throws when a module is missing, or the types do not compile */
export async function buildClient(outdir: string): Promise<void> {
  await replaceFolder(outdir, async (folder) => {
    await build({
      ...bundleOptions(clientEntries),
      chunkNames: 'chunks/[name]-[hash]',
      splitting: true,
      sourcemap: true,
      outdir: folder,
    });
    await emitTypes(
      clientEntries.map((entry) => `client/${entry}`),
      `${folder}/types`,
    );
  });
}
