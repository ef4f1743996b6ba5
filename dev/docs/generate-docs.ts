/** `npm run docs`: writes the generated pages of the documentation. */
import { writeFileSync } from 'node:fs';
import { generatedPages } from './generated-pages.ts';

const root = new URL('../../', import.meta.url);

for (const [path, render] of Object.entries(generatedPages)) writeFileSync(new URL(path, root), render());
