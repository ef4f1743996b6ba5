/** The licences that packages shipped to users may have. */
import { type Lock, listShipped, type ShippedPackage } from './lock.ts';

/** Licences that only require their text to be passed on. The packages in an image or an installation contain it. */
const allowed: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
]);

/** Counts the production packages in a lock file, and lists those whose licence is missing or not allowed. */
export function checkLicences(lock: Lock): { checked: number; refused: ShippedPackage[] } {
  const shipped = listShipped(lock);
  return { checked: shipped.length, refused: shipped.filter(({ licence }) => !isAllowed(licence)) };
}

/** For an SPDX expression without nesting: all parts joined by AND must be allowed, and one of those joined by OR. */
function isAllowed(expression = ''): boolean {
  const alternatives = expression.replace(/^\((.*)\)$/, '$1').split(' OR ');
  return alternatives.some((alternative) => alternative.split(' AND ').every((licence) => allowed.has(licence)));
}
