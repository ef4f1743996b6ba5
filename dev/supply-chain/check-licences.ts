/** `npm run licences`: exits with 1 and names the packages, if a production dependency has a licence that is not allowed. */
import { readFileSync } from 'node:fs';
import { packageFile } from '../../shared/process/package-files.ts';
import { checkLicences, lockSchema } from './licences.ts';

const lock = lockSchema.parse(JSON.parse(readFileSync(packageFile('package-lock.json'), 'utf8')));
const { checked, refused } = checkLicences(lock);
for (const { path, licence } of refused) console.error(`${path}: the licence ${licence ?? '(none)'} is not allowed`);
if (checked === 0) console.error('package-lock.json lists no production dependency');
process.exitCode = checked > 0 && refused.length === 0 ? 0 : 1;
