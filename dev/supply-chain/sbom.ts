/** The list of all packages that are in the image, in the format CycloneDX. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { packageFile } from '../../shared/process/package-files.ts';
import { packagesInServers } from '../build/build-servers.ts';
import { listShipped, readLock } from './lock.ts';

/** Development dependencies that are partly compiled into the live page. */
export const packagesInPage: readonly string[] = ['world-atlas'];

/** The part of a bill that is read; everything else is passed on unchanged. */
const billSchema = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.string(),
  metadata: z.looseObject({ component: z.looseObject({ 'bom-ref': z.string() }) }),
  components: z.array(z.looseObject({ 'bom-ref': z.string(), name: z.string(), version: z.string() })),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).optional() })),
});
type Bill = z.infer<typeof billSchema>;

/**
 * The bill of materials of the production dependencies and of the packages that are compiled in. npm lists the whole lock file,
 * and this function selects from it: npm's --omit=dev also leaves out production dependencies that a development tool uses.
 * @throws Error if npm fails, or does not list a package that is shipped
 */
export function createBill(): Bill {
  const lock = readLock();
  // Type packages are not in the image, although some packages name them as dependencies.
  const installed = listShipped(lock).filter(({ name }) => !name.startsWith('@types/'));
  const shipped = new Set(installed.map(({ name, version }) => `${name}@${version}`));
  for (const name of [...packagesInPage, ...packagesInServers])
    shipped.add(`${name}@${lock.packages[`node_modules/${name}`]?.version}`);
  const bill = askNpm();
  const components = bill.components.filter(({ name, version }) => shipped.has(`${name}@${version}`));
  const known = new Set(components.map(({ name, version }) => `${name}@${version}`));
  const missing = [...shipped].filter((id) => !known.has(id));
  if (missing.length > 0) throw new Error(`npm does not list ${missing.join(', ')}`);
  const refs = new Set([bill.metadata.component['bom-ref'], ...components.map((component) => component['bom-ref'])]);
  const dependencies = bill.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [], ...more }) => ({ ref, dependsOn: dependsOn.filter((on) => refs.has(on)), ...more }));
  return { ...bill, components, dependencies };
}

function askNpm(): Bill {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only', '--no-workspaces'];
  const cwd = fileURLToPath(packageFile('.'));
  return billSchema.parse(
    JSON.parse(execFileSync('npm', args, { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })),
  );
}
