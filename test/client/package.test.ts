/**
 * The npm package as an app gets it: packed by npm and unpacked into `node_modules`. It is unpacked with tar, because
 * installing the servers' dependencies takes a minute and the client needs none of them; `.ci/package` installs it by npm.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import about from '../../package.json' with { type: 'json' };
import { entryPoints } from '../../shared/process/package-files.ts';
import { withFolder } from '../support/with-folder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Several times what it takes on an idle machine, because a busy one needs more CPU time for the same work. */
const maxCpuMicroseconds = 1_000_000;

const notCopied = new Set(['.git', 'node_modules', 'dist', '.field', 'backups', 'coverage']);

/** A copy of the checkout, because `npm pack` replaces its build. */
async function withCheckout(t: Test): Promise<string> {
  const checkout = await withFolder(t);
  for (const name of await readdir(root)) {
    if (!notCopied.has(name)) await cp(join(root, name), join(checkout, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'));
  return checkout;
}

/** Creates an app with the packed package in its `node_modules`. */
async function withApp(t: Test): Promise<{ app: string; installed: string }> {
  const app = await withFolder(t);
  const pack = ['pack', '--silent', '--pack-destination', app];
  execFileSync('npm', pack, { cwd: await withCheckout(t), stdio: 'pipe' });
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

t.test('the package contains compiled commands and servers, and nothing that only a checkout needs', async (t) => {
  const compiled = entryPoints.map((name) => `dist/${name}.js`);
  for (const name of [...compiled, 'dist/page/index.html', 'knexfile.mjs', ...Object.values(about.bin)]) {
    t.ok(existsSync(join(installed, name)), `${name} is in the package`);
  }
  const files = await readdir(installed, { recursive: true });
  t.same(
    files.filter((name) => /(?<!\.d)\.ts$/.test(name)),
    [],
    'it contains no TypeScript sources',
  );
  for (const name of ['test', 'bench', 'api', '.ci', 'deploy'])
    t.notOk(files.includes(name), `${name} is not in the package`);
});

/** Links the production dependencies into the installed package, as an installation has them. */
async function installDependencies(): Promise<void> {
  await mkdir(join(installed, 'node_modules'), { recursive: true });
  const names = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: root, encoding: 'utf8' });
  for (const path of names.split('\n').filter((line) => line.startsWith(join(root, 'node_modules/')))) {
    const name = path.slice(join(root, 'node_modules/').length);
    if (name.includes('/node_modules/')) continue;
    await mkdir(dirname(join(installed, 'node_modules', name)), { recursive: true });
    await symlink(path, join(installed, 'node_modules', name)).catch(ignoreExisting);
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

t.test('the command and npm start run compiled code, and --help takes less than 100 MB', async (t) => {
  await installDependencies();
  const readUsage = `data:text/javascript,process.on('exit', () => console.error(JSON.stringify(process.resourceUsage())))`;
  const run = (script: string, args: readonly string[]) =>
    spawnSync(process.execPath, ['--import', readUsage, join(installed, script), ...args], {
      cwd: app,
      env: {},
      encoding: 'utf8',
    });
  const help = run(about.bin['consciousness-field'], ['--help']);
  t.match(help, { status: 0, stdout: 'Usage: consciousness-field' }, help.stderr);
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(help.stderr);
  t.comment(`--help: ${maxRSS} kB, ${Math.round((userCPUTime + systemCPUTime) / 1000)} ms of CPU`);
  t.ok(maxRSS < 100 * 1024, `${maxRSS} kB`);
  t.ok(userCPUTime + systemCPUTime < maxCpuMicroseconds, `${userCPUTime + systemCPUTime} µs`);

  const start = run('dev/start.mjs', ['--help']);
  t.match(start, { status: 0, stdout: 'npm start: one API and one worker' }, start.stderr);
});
