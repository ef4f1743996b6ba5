import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import t from 'tap';
import { replaceFolder } from '../../dev/build/replace-folder.ts';

t.test('an unfinished build is seen neither by compilers nor by git, and a failed one leaves nothing', async (t) => {
  let unfinished = '';
  const build = replaceFolder(join('client', 'never-finished'), async (folder) => {
    unfinished = basename(folder);
    writeFileSync(join(folder, 'types.d.ts'), 'export {};\n');
    const tsc = ['node_modules/typescript7/bin/tsc', '--listFilesOnly', '-p', 'tsconfig.client.json'];
    const files = execFileSync(process.execPath, tsc, { encoding: 'utf8' });
    t.match(files, 'client/field-client.ts', 'the compiler lists the source');
    t.notMatch(files, unfinished, 'and not the build');
    t.notMatch(
      execFileSync('git', ['status', '--porcelain'], { encoding: 'utf8' }),
      unfinished,
      'git does not list it',
    );
    throw new Error('the build failed');
  });
  await t.rejects(build, { message: 'the build failed' });
  t.notOk(readdirSync('client').includes(unfinished));
});

t.test('builds that end at the same time replace the folder, each as a whole', async (t) => {
  const parent = mkdtempSync(join(process.env.TEST_FOLDER ?? tmpdir(), 'builds-'));
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  const outdir = join(parent, 'dist');
  const builds = Array.from({ length: 20 }, (_, index) =>
    replaceFolder(outdir, async (folder) => {
      for (const file of ['a.js', 'b.js']) writeFileSync(join(folder, file), `${index}`);
    }),
  );
  await Promise.all(builds);
  t.strictSame(readdirSync(parent), ['dist']);
  t.equal(readFileSync(join(outdir, 'a.js'), 'utf8'), readFileSync(join(outdir, 'b.js'), 'utf8'));
});
