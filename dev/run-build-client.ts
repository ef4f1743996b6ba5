/** The command of `npm run build:client`. */
import { fileURLToPath } from 'node:url';
import { buildClient, clientEntries, measureBundle } from './build-client.ts';

if (process.argv.length > 2) {
  console.log('npm run build:client    builds the client as JavaScript with types into client/dist');
  process.exit(process.argv[2] === '--help' ? 0 : 2);
}
await buildClient(fileURLToPath(new URL('../client/dist', import.meta.url)));
for (const entry of clientEntries) {
  const { gzippedBytes } = await measureBundle(entry);
  console.log(
    `client/dist/${entry}.js  ${(gzippedBytes / 1000).toFixed(1)} kB minified and gzipped, with all that it needs`,
  );
}
