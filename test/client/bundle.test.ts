import { readFile } from 'node:fs/promises';
import t from 'tap';
import { measureBundle } from '../../dev/build/build-client.ts';
import { internalNames } from '../../dev/build/internal-names.ts';
import { packageFile } from '../../shared/process/package-files.ts';

/** In bytes, gzipped. `client/README.md` has what is measured. */
const maxCore = 21.5 * 1000;

t.test('the bundle of the client is small and contains neither packages nor schemas', async (t) => {
  const { gzippedBytes, bytes, inputs } = await measureBundle('field-client');
  t.comment(`client: ${bytes} bytes minified, ${gzippedBytes} bytes gzipped`);
  t.ok(gzippedBytes <= maxCore, `${gzippedBytes} bytes`);
  t.same(
    inputs.filter((input) => input.includes('node_modules')),
    [],
  );
  t.same(
    inputs.filter((input) => input.startsWith('shared/contract/')),
    ['shared/contract/wire.ts'],
  );
  t.notOk(inputs.includes('shared/field/merge-update.ts'));
  t.same(
    inputs.filter((input) => /^client\/(presence|editing|react|tabs)\//.test(input)),
    [],
    'what not every app needs comes with its own module',
  );
});

t.test('the README says how large an app gets', async (t) => {
  const readme = await readFile(packageFile('client/README.md'), 'utf8');
  for (const [name, entries] of [
    ['alone, with `memoryStorage\\(\\)`', ['field-client']],
    ['with `indexed-db-storage`', ['field-client', 'storage/indexed-db-storage']],
    ['with `indexed-db-storage` and `react`', ['field-client', 'storage/indexed-db-storage', 'react']],
  ] as const) {
    const { gzippedBytes } = await measureBundle(...entries);
    const [, documented] = new RegExp(`\\| ${name} \\| ([0-9.]+) kB \\|`).exec(readme) ?? [];
    t.comment(`${name}: ${gzippedBytes} bytes gzipped`);
    t.ok(Math.abs(Number(documented) * 1000 - gzippedBytes) < 500, `${name}: ${documented} kB, ${gzippedBytes} bytes`);
  }
});

t.test('no name of the public API is shortened', async (t) => {
  const modules = [
    'types',
    'options',
    'inspector',
    'editing/editor',
    'react/hooks',
    'state/prediction',
    'storage/storage',
  ];
  for (const module of [...modules, 'presence/presence-of', 'presence/presence', 'react/native', 'react/provider']) {
    const text = await readFile(packageFile(`client/${module}.ts`), 'utf8');
    const isPublic = (name: string) => new RegExp(`readonly ${name}\\??:|^  ${name}[(<:]`, 'm').test(text);
    t.same(internalNames.filter(isPublic), [], module);
  }
});

t.test("the prediction of gauges brings the server's merge rules", async (t) => {
  const { inputs } = await measureBundle('state/optimistic-state');
  t.ok(inputs.includes('shared/field/merge-update.ts'));
});
