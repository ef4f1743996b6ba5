/** The command of `npm run build:client`. */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleClient, clientEntryNames, emitClientTypes, measureBundle } from './build-client.ts';

if (process.argv.length > 2) {
  console.log('npm run build:client    builds the client as JavaScript with types into client/dist');
  process.exit(process.argv[2] === '--help' ? 0 : 2);
}
const outdir = fileURLToPath(new URL('../../client/dist', import.meta.url));
await rm(outdir, { recursive: true, force: true });
await bundleClient(outdir);
emitClientTypes(outdir);
for (const entry of clientEntryNames) {
  const { gzippedBytes } = await measureBundle(entry);
  console.log(
    `client/dist/${entry}.js  ${(gzippedBytes / 1000).toFixed(1)} kB minified and gzipped, with all that it needs`,
  );
}
