/**
 * The npm package as an app gets it: packed by npm and unpacked into `node_modules`. It is unpacked with tar, because
 * installing the servers' dependencies takes a minute and the client needs none of them; `.ci/package` installs it by npm.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import about from '../../package.json' with { type: 'json' };
import { withFolder } from '../support/with-folder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Creates an app with the packed package in its `node_modules`. */
async function withApp(t: Test): Promise<{ app: string; installed: string }> {
  const app = await withFolder(t);
  // tap preloads a module into every Node process by NODE_OPTIONS, and TypeScript 7 cannot start with it.
  const pack = ['-u', 'NODE_OPTIONS', 'npm', 'pack', '--silent', '--pack-destination', app];
  execFileSync('env', pack, { cwd: root, stdio: 'pipe' });
  const tarball = (await readdir(app)).find((file) => file.endsWith('.tgz')) ?? '';
  const installed = join(app, 'node_modules', about.name);
  await mkdir(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(app, tarball), '--strip-components=1', '-C', installed]);
  await symlink(join(root, 'node_modules/react'), join(app, 'node_modules/react'));
  await writeFile(join(app, 'package.json'), '{"type":"module"}');
  return { app, installed };
}

const { app, installed } = await withApp(t);

t.test('an app can import every part of the client from the packed package', async (t) => {
  const script = `
    import { createFieldClient } from 'consciousness-field/client';
    import { memoryStorage } from 'consciousness-field/client/storage';
    import { fileStorage } from 'consciousness-field/client/file-storage';
    import { useConsciousnessBridge } from 'consciousness-field/client/react';
    await fileStorage('stored').set('key', 'value');
    const client = createFieldClient({ url: 'http://127.0.0.1:9', field: 'f', storage: memoryStorage() });
    client.setCells([{ x: 1, y: 2, value: 0.5 }]);
    console.log(JSON.stringify(client.state.cells), typeof useConsciousnessBridge);
  `;
  await writeFile(join(app, 'app.js'), script);
  t.equal(execFileSync(process.execPath, ['app.js'], { cwd: app, encoding: 'utf8' }), '{"1,2":0.5} function\n');

  for (const target of Object.values(about.exports)) {
    for (const file of typeof target === 'string' ? [target] : [target.types, target.default]) {
      t.ok(existsSync(join(installed, file)), `${file} is in the package`);
    }
  }
});

t.test('the package contains what its commands and servers need, and nothing that only a checkout needs', async (t) => {
  const shipped = [
    'api',
    'cli',
    'client',
    'db',
    'page',
    'shared',
    'workers',
    'knexfile.ts',
    'knexfile.mjs',
    'tsconfig.json',
  ];
  for (const name of [...shipped, ...Object.values(about.bin)]) {
    t.ok(existsSync(join(installed, name)), `${name} is in the package`);
  }
  for (const name of ['test', 'bench', 'dev', '.ci', 'deploy']) {
    t.notOk(existsSync(join(installed, name)), `${name} is not in the package`);
  }
});
