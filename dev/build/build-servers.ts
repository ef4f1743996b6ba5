/** The processes, the command and the migrations of knex's own command as plain JavaScript for Node. */
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { entryPoints, packageFile } from '../../shared/process/package-files.ts';

/** Development dependencies that are compiled into the servers: tRPC would have TypeScript installed beside it. */
export const packagesInServers: readonly string[] = ['@trpc/server'];

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
    plugins: [leavePackagesOut],
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

/** Whatever is imported by the name of a package is found where it is installed, except for those above. */
const leavePackagesOut: Plugin = {
  name: 'leave-packages-out',
  setup({ onResolve }) {
    const isBundled = (path: string) => packagesInServers.some((name) => path === name || path.startsWith(`${name}/`));
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' || isBundled(path) ? undefined : { path, external: true },
    );
  },
};
