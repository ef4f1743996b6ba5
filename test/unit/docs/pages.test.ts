/** Checks the documentation against the repository: files, links, commands, scripts, folders and guarantees. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import t from 'tap';
import { createProgram } from '../../../cli/program.ts';
import about from '../../../package.json' with { type: 'json' };

const root = new URL('../../../', import.meta.url);
const read = (name: string) => readFile(new URL(name, root), 'utf8');
const docs = (await readdir(new URL('docs/', root)))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const records = (await readdir(new URL('docs/adr/', root))).map((name) => `docs/adr/${name}`);
const pages = await Promise.all(
  ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'examples/README.md', ...docs, ...records].map(
    async (name) => ({ name, text: await read(name) }),
  ),
);
const textOf = (name: string) => pages.find((page) => page.name === name)?.text ?? '';

/** The anchors of a page's headings, as GitHub generates them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

t.test('every relative link has a target', async (t) => {
  let count = 0;
  for (const { name, text } of pages) {
    for (const [, link = ''] of text.matchAll(/(?:\]\(|src(?:set)?=")([^)"]+)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? new URL(name, root) : new URL(path, new URL(name, root));
      t.ok(existsSync(target), `${name}: ${link} exists`);
      if (anchor)
        t.ok(anchorsOf(await readFile(target, 'utf8')).includes(anchor), `${name}: the heading of ${link} exists`);
      count += 1;
    }
  }
  t.ok(count > 20);
});

t.test('every path and script that a page names exists', async (t) => {
  for (const { name, text } of pages) {
    for (const [, path = ''] of text.matchAll(
      /`((?:test|bench|deploy|api|workers|shared|db|client|cli|page|dev|examples)\/[\w./-]*\w)\/?`/g,
    )) {
      t.ok(existsSync(new URL(path, root)), `${name}: ${path}`);
    }
    for (const [, script = ''] of text.matchAll(/npm run ([a-z:]+)/g)) {
      t.ok(script in about.scripts, `${name}: npm run ${script}`);
    }
  }
});

t.test('every guarantee names the test that verifies it', async (t) => {
  const rows = [...textOf('docs/guarantees.md').matchAll(/^\| (.+) \|$/gm)]
    .slice(2)
    .map(([, row = '']) => row.split(' | '));
  t.ok(rows.length > 15);
  for (const [promise, kept, held = ''] of rows) {
    t.ok(kept, `${promise}: names its mechanism`);
    t.match(held, /`test\/[\w./-]+`/, `${promise}: names its test`);
  }
});

t.test('the README lists every command', async (t) => {
  const listed = [...textOf('README.md').matchAll(/^\| `field ([a-z-]+)/gm)].map(([, command]) => command);
  const commands = createProgram().commands.map((command) => command.name());
  t.same(listed.toSorted(), commands.toSorted());
});

t.test('the architecture lists every top-level folder', async (t) => {
  const text = textOf('docs/architecture.md');
  const listed = [...text.matchAll(/^\| `([a-z]+)\//gm)].map(([, folder]) => folder);
  const entries = await readdir(root, { withFileTypes: true });
  const ignored = [...(await read('.gitignore')).split('\n'), 'docs/', 'node_modules/'];
  const folders = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .filter((name) => !ignored.some((line) => line.replaceAll('/', '') === name));
  t.same(
    folders.filter((folder) => !listed.includes(folder)),
    [],
  );
});
