/** `npm run vectors`: writes the conformance vectors to docs/vectors. A unit test refuses files that are out of date. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { renderVectorFiles } from './vector-files.ts';

for (const [path, text] of Object.entries(await renderVectorFiles())) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
