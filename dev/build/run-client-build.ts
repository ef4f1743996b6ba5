/** The command of `npm run build -w client`: compiles the client's package into `client/dist`. */
import { fileURLToPath } from 'node:url';
import { packageFile } from '../../shared/process/package-files.ts';
import { buildClient } from './build-client.ts';

await buildClient(fileURLToPath(packageFile('client/dist')));
