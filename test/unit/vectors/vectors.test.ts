import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import t from 'tap';
import { packageFile } from '../../../shared/process/package-files.ts';
import { formatJson } from '../../vectors/format-json.ts';
import { renderVectorFiles } from '../../vectors/vector-files.ts';

const maxTotalBytes = 1_000_000;
const files = await renderVectorFiles();

for (const [path, text] of Object.entries(files)) {
  t.test(`${path} is what the code does; npm run vectors writes it`, async (t) => {
    t.equal(readFileSync(packageFile(path), 'utf8'), text);
  });
}

t.test('there are no other files beside the vectors, and together they are small enough to be read', async (t) => {
  const names = await readdir(packageFile('docs/vectors'));
  t.same(names.map((name) => `docs/vectors/${name}`).toSorted(), Object.keys(files).toSorted());
  const bytes = Object.values(files).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  t.ok(bytes < maxTotalBytes, `${bytes} bytes`);
});

t.test('values are rendered on one line if they fit, and parse to the same', async (t) => {
  const value = { a: [1, 'x, y: {z}', null], b: {}, c: [], d: 'é'.repeat(150), e: { f: ['long'.repeat(40), true] } };
  const text = formatJson(value);
  t.same(JSON.parse(text), value);
  t.equal(text.split('\n')[1], '  "a": [1, "x, y: {z}", null],');
});
