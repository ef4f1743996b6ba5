/** The command of `npm run build -w client`: compiles the client's package into `client/dist`. */
import { fileURLToPath } from 'node:url';
import about from '../../client/package.json' with { type: 'json' };
import { packageFile } from '../../shared/process/package-files.ts';
import { buildClient, clientEntries } from './build-client.ts';
import { writeEntryFiles } from './write-entry-files.ts';

const folder = fileURLToPath(packageFile('client/'));
await buildClient(`${folder}dist`);
await writeEntryFiles(
  folder,
  about.exports,
  clientEntries.map((entry) => `./dist/${entry}.js`),
);
