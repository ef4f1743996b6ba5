/** `npm run docs`: writes the generated pages of the documentation. */
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { clientReferenceFolder, writeClientReference } from './client-reference.ts';
import { generatedPages } from './generated-pages.ts';

const root = new URL('../../', import.meta.url);

for (const [path, render] of Object.entries(generatedPages)) writeFileSync(new URL(path, root), render());
const folder = fileURLToPath(new URL(clientReferenceFolder, root));
rmSync(folder, { recursive: true, force: true });
await writeClientReference(folder);
