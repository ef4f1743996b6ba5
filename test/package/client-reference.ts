import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { clientReferenceFolder, writeClientReference } from '../../dev/docs/client-reference.ts';

/** The content of every page by its path. */
function readPages(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.md'));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

t.test('docs/client is current, and its links lead somewhere; npm run docs writes it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'client-reference-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  await writeClientReference(folder);
  t.same(readPages(clientReferenceFolder), readPages(folder));
});
