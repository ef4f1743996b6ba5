/** The packages that are installed in production, according to package-lock.json. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { packageFile } from '../../shared/process/package-files.ts';

/** The part of a package-lock.json (version 3) that is used. Keys are paths such as `node_modules/pg`. */
const lockSchema = z.object({
  lockfileVersion: z.literal(3),
  packages: z.record(
    z.string(),
    z.object({
      name: z.string().optional(),
      version: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      link: z.boolean().optional(),
    }),
  ),
});
export type Lock = z.infer<typeof lockSchema>;

export interface ShippedPackage {
  readonly path: string;
  readonly name: string;
  readonly version: string | undefined;
  /** As in its package.json; undefined if it has none. */
  readonly licence: string | undefined;
}

/** @throws Error if the file is missing or of another version */
export function readLock(): Lock {
  return lockSchema.parse(JSON.parse(readFileSync(packageFile('package-lock.json'), 'utf8')));
}

/** The packages without those for development and optional peers, like TypeScript, that the image leaves out. */
export function listShipped({ packages }: Lock): ShippedPackage[] {
  return Object.entries(packages)
    .filter(([path, { dev, devOptional, link }]) => path.includes('node_modules/') && !dev && !devOptional && !link)
    .map(([path, { name, version, license }]) => ({
      path,
      name: name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      licence: license,
    }));
}
