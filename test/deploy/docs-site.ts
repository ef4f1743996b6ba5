/** Builds the documentation as a site, in a copy of the pages and of the generator's folder, and breaks a link. */
import { execFile } from 'node:child_process';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { withFolder } from '../support/with-folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

t.test('the site has every page and a search, and a dead link fails the build', async (t) => {
  const folder = await withFolder(t);
  const { stdout } = await run('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, maxBuffer: 16_000_000 });
  // Links lead to folders as well, so all files are copied but the large ones of the tests.
  const files = stdout.split('\n').filter((name) => name !== '' && !name.startsWith('test/data/'));
  for (const name of files) await cp(join(root, name), join(folder, name));
  await cp(join(root, 'test/data/README.md'), join(folder, 'test/data/README.md'));
  const site = join(folder, 'docs/site');
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: site });

  const page = join(folder, 'docs/offline.md');
  const text = await readFile(page, 'utf8');
  await writeFile(page, `${text}\n[nowhere](nowhere.md)\n`);
  await t.rejects(run('node', ['prepare.mjs'], { cwd: site }), /docs\/offline\.md: nowhere\.md does not exist/);
  await writeFile(page, text);

  await run('npm', ['run', 'build'], { cwd: site });
  const built = await readdir(join(site, 'dist'), { recursive: true });
  for (const name of (await readdir(join(root, 'docs'))).filter((file) => file.endsWith('.md')))
    t.ok(built.includes(join('docs', name.replace('README', 'index').replace(/md$/, 'html'))), name);
  t.ok(
    built.some((name) => /localSearchIndex/.test(name)),
    'there is an index for the search',
  );
});
