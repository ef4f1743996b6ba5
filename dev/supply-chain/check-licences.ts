/** `npm run licences`: exits with 1 and names the packages, if a production dependency has a licence that is not allowed. */
import { checkLicences } from './licences.ts';
import { readLock } from './lock.ts';

const { checked, refused } = checkLicences(readLock());
for (const { path, licence } of refused) console.error(`${path}: the licence ${licence ?? '(none)'} is not allowed`);
if (checked === 0) console.error('package-lock.json lists no production dependency');
process.exitCode = checked > 0 && refused.length === 0 ? 0 : 1;
