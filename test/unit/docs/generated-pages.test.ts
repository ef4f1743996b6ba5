import { readFileSync } from 'node:fs';
import t from 'tap';
import { generatedPages } from '../../../dev/docs/generated-pages.ts';

for (const [path, render] of Object.entries(generatedPages)) {
  t.test(`${path} is current; npm run docs writes it`, async (t) => {
    t.equal(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'), render());
  });
}
