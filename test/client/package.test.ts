/** The client's package as an app gets it. */
import { execFileSync } from 'node:child_process';
import { readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import about from '../../client/package.json' with { type: 'json' };
import { withPackedApp } from '../support/with-packed-app.ts';

const { app, installed } = await withPackedApp(t, 'client', about.name);
await symlink(fileURLToPath(new URL('../../node_modules/react', import.meta.url)), join(app, 'node_modules/react'));

t.test('an app can import every part of the client', async (t) => {
  const script = `
    import { createFieldClient } from 'consciousness-field-client';
    import { memoryStorage } from 'consciousness-field-client/storage/memory-storage';
    import { fileStorage } from 'consciousness-field-client/storage/file-storage';
    import { useConsciousnessBridge } from 'consciousness-field-client/react';
    await fileStorage('stored').set('key', 'value');
    const client = createFieldClient({ url: 'http://127.0.0.1:9', field: 'f', storage: memoryStorage() });
    client.setCells([{ x: 1, y: 2, value: 0.5 }]);
    console.log(JSON.stringify(client.state.cells), typeof useConsciousnessBridge);
  `;
  await writeFile(join(app, 'app.js'), script);
  t.equal(execFileSync(process.execPath, ['app.js'], { cwd: app, encoding: 'utf8' }), '{"1,2":0.5} function\n');
});

t.test('the package contains the build and its documents, and no sources', async (t) => {
  const top = (await readdir(installed)).sort();
  t.same(top, ['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json']);
  const files = await readdir(installed, { recursive: true });
  t.same(
    files.filter((name) => /(?<!\.d)\.ts$/.test(name)),
    [],
  );
});
