/** The package of the servers and the command, as `npm pack` makes it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import about from '../../package.json' with { type: 'json' };
import { entryPoints } from '../../shared/process/package-files.ts';
import { withPackedApp } from '../support/with-packed-app.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Several times what it takes on an idle machine, because a busy one needs more CPU time for the same work. */
const maxCpuMicroseconds = 1_000_000;

const { app, installed } = await withPackedApp(t, '.', about.name);

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
  for (const name of ['test', 'bench', 'api', '.ci', 'client', 'deploy'])
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
