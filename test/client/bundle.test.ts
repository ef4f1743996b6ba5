import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { bundleClient, measureBundle } from '../../dev/build/build-client.ts';
import { withFolder } from '../support/with-folder.ts';

const maxGzippedBytes = 18 * 1024;

t.test('the bundle of the client is small and contains neither packages nor schemas', async (t) => {
  const { gzippedBytes, bytes, inputs } = await measureBundle('field-client');
  t.comment(`client: ${bytes} bytes minified, ${gzippedBytes} bytes gzipped`);
  t.ok(gzippedBytes < maxGzippedBytes, `${gzippedBytes} bytes`);
  t.same(
    inputs.filter((input) => input.includes('node_modules')),
    [],
  );
  t.same(
    inputs.filter((input) => input.startsWith('shared/contract/')),
    ['shared/contract/wire.ts'],
  );
  t.ok(inputs.includes('shared/field/merge-update.ts'), "the server's merge rules are included");
});

t.test('an app without TypeScript can import the built client', async (t) => {
  const folder = await withFolder(t);
  await bundleClient(folder);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(
    join(folder, 'app.js'),
    "import { createFieldClient } from './field-client.js';\n" +
      "import { memoryStorage } from './storage.js';\n" +
      "const client = createFieldClient({ url: 'http://127.0.0.1:9', field: 'f', storage: memoryStorage() });\n" +
      'client.setCells([{ x: 1, y: 2, value: 0.5 }]);\nconsole.log(JSON.stringify(client.state.cells));\n',
  );
  t.equal(execFileSync(process.execPath, [join(folder, 'app.js')], { encoding: 'utf8' }), '{"1,2":0.5}\n');
});
