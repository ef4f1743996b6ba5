/** The client as plain JavaScript with types, for apps that use this package. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';
import { packageFile } from '../../shared/process/package-files.ts';

/** What apps import, by the name of the bundle. */
const clientEntries = {
  'field-client': 'client/field-client.ts',
  react: 'client/react.ts',
  storage: 'client/storage/storage.ts',
  'file-storage': 'client/storage/file-storage.ts',
} as const;
type ClientEntry = keyof typeof clientEntries;
const clientEntryNames = Object.keys(clientEntries) as readonly ClientEntry[];

const root = fileURLToPath(packageFile('.'));

/** How every bundle of the client is made: for whatever ES2022 runs in, with nothing inside that is an app's own. */
function bundleOptions(entries: readonly ClientEntry[]): BuildOptions {
  return {
    absWorkingDir: root,
    entryPoints: Object.fromEntries(entries.map((entry) => [entry, clientEntries[entry]])),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    external: ['react', 'node:*'],
    logLevel: 'silent',
  };
}

export interface BundleSize {
  readonly bytes: number;
  readonly gzippedBytes: number;
  /** The modules inside. */
  readonly inputs: readonly string[];
}

/** The size of one entry with all that it needs, minified. */
export async function measureBundle(entry: ClientEntry): Promise<BundleSize> {
  const options = bundleOptions([entry]);
  const { outputFiles, metafile } = await build({
    ...options,
    minify: true,
    write: false,
    metafile: true,
    outdir: root,
  });
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  return {
    bytes: code.length,
    gzippedBytes: gzipSync(code, { level: 9 }).length,
    inputs: Object.keys(metafile.inputs),
  };
}

/** @throws when a module is missing */
export async function bundleClient(outdir: string): Promise<void> {
  await build({
    ...bundleOptions(clientEntryNames),
    splitting: true,
    sourcemap: true,
    outdir,
  });
}

/** @throws when the types do not fit */
export async function emitClientTypes(outdir: string): Promise<void> {
  const compiler = fileURLToPath(packageFile('node_modules/typescript7/bin/tsc'));
  const args = [compiler, '-p', `${root}tsconfig.client.json`, '--outDir', outdir];
  await promisify(execFile)(process.execPath, args).catch((error: Error & { stdout?: string }) => {
    throw new Error(`the client's types could not be made:\n${error.stdout || error.message}`, { cause: error });
  });
}
