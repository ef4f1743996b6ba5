/** `npm run sbom`: writes the bill of materials to dist/sbom.cdx.json, from where it gets into the image, or to the given file. */
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
