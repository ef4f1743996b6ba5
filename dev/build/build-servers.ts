/** The processes, the command and the migrations of knex's own command as plain JavaScript for Node. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { entryPoints, packageFile } from '../../shared/process/package-files.ts';

/** Development dependencies that are compiled into the servers: tRPC would have TypeScript installed beside it. */
export const packagesInServers: readonly string[] = ['@trpc/server'];

/**
 * Compiled into the servers although they are installed beside them: to find and read their thousand files takes half of the time
 * in which a process starts. A package that shares objects with one of these belongs here as well, so that both have the same
 * copy of it; one that is left out, like `@fastify/swagger-ui`, requires the installed copy.
 */
const packagesForFastStart: readonly string[] = [
  '@bull-board/api',
  '@bull-board/fastify',
  '@fastify/cors',
  '@fastify/static',
  '@fastify/websocket',
  '@modelcontextprotocol/server',
  'bullmq',
  'fastify',
  'fastify-type-provider-zod',
  'jose',
  'objection',
  'prom-client',
  'rate-limiter-flexible',
  'superjson',
  'zod',
];

/** Those that these packages use only where they are installed. */
const optionalPackages: readonly string[] = ['msgpackr-extract'];

/** Packages in CommonJS require Node's modules, which code in ES modules cannot do by itself. */
const defineRequire = `import { createRequire as createRequireOfServers } from 'node:module';
const require = createRequireOfServers(import.meta.url);`;

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
    banner: { js: defineRequire },
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

/**
 * What is imported by the name of a package is found where it is installed, except for those above and for packages that they
 * import and that are not among the dependencies in package.json.
 */
const leavePackagesOut: Plugin = {
  name: 'leave-packages-out',
  async setup({ onResolve }) {
    const manifest = JSON.parse(await readFile(packageFile('package.json'), 'utf8'));
    const compiled = [...packagesInServers, ...packagesForFastStart];
    const installed = [...Object.keys(manifest.dependencies), ...optionalPackages].filter(
      (name) => !compiled.includes(name),
    );
    const isIn = (names: readonly string[], path: string) =>
      names.some((name) => path === name || path.startsWith(`${name}/`));
    onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
      const isCompiled = isIn(compiled, path) || (/[\\/]node_modules[\\/]/.test(importer) && !isIn(installed, path));
      return kind === 'entry-point' || isCompiled ? undefined : { path, external: true };
    });
  },
};
