/** Which licences the packages that are shipped to users may have. */
import { z } from 'zod';

/** Licences that only ask for their text to be passed on. The packages in an image or an installation contain it. */
const allowed: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
]);

/** The part of a package-lock.json (version 3) that says what is installed. Keys are paths such as `node_modules/pg`. */
export const lockSchema = z.object({
  lockfileVersion: z.literal(3),
  packages: z.record(
    z.string(),
    z.object({ license: z.string().optional(), dev: z.boolean().optional(), link: z.boolean().optional() }),
  ),
});

export interface RefusedPackage {
  readonly path: string;
  /** As in its package.json; undefined if it has none. */
  readonly licence: string | undefined;
}

/** How many production packages a lock file has, and those whose licence is missing or not allowed. */
export function checkLicences({ packages }: z.infer<typeof lockSchema>): {
  checked: number;
  refused: RefusedPackage[];
} {
  const shipped = Object.entries(packages).filter(
    ([path, { dev, link }]) => path.includes('node_modules/') && !dev && !link,
  );
  const refused = shipped.filter(([, { license }]) => !isAllowed(license));
  return { checked: shipped.length, refused: refused.map(([path, { license }]) => ({ path, licence: license })) };
}

/** Of an SPDX expression without nesting: all parts joined by AND must be allowed, and one of those joined by OR. */
function isAllowed(expression = ''): boolean {
  const alternatives = expression.replace(/^\((.*)\)$/, '$1').split(' OR ');
  return alternatives.some((alternative) => alternative.split(' AND ').every((licence) => allowed.has(licence)));
}
