/** `npm run sbom`: writes the bill of materials to the given file, or to dist/sbom.cdx.json, from which the image gets it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFile } from '../../shared/process/package-files.ts';
import { createBill } from './sbom.ts';

const file = resolve(process.argv[2] ?? fileURLToPath(packageFile('dist/sbom.cdx.json')));
const bill = createBill();
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(bill, undefined, 2)}\n`);
console.log(`${file}: CycloneDX ${bill.specVersion}, ${bill.components.length} packages`);
