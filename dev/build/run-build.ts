/** The command of `npm run build`: creates the code that the image and the packed package run. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFile } from '../../shared/process/package-files.ts';
import { buildPackage } from './build-package.ts';

const [outdir = fileURLToPath(packageFile('dist')), ...rest] = process.argv.slice(2);
if (outdir.startsWith('-') || rest.length > 0) {
  console.log('npm run build [-- FOLDER]    compiles the servers, the command and the live page into dist');
  process.exit(outdir === '--help' ? 0 : 2);
}
await buildPackage(resolve(outdir));
