/** The pages, held to what they speak of: files, links, commands, scripts, rooms, routes. */
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
const pages = await Promise.all(
  ['README.md', 'CHANGELOG.md', ...docs].map(async (name) => ({ name, text: await read(name) })),
);
const textOf = (name: string) => pages.find((page) => page.name === name)?.text ?? '';

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

t.test('every link within the pages leads somewhere', async (t) => {
  let count = 0;
  for (const { name, text } of pages) {
    for (const [, link = ''] of text.matchAll(/(?:\]\(|src(?:set)?=")([^)"]+)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? new URL(name, root) : new URL(path, new URL(name, root));
      t.ok(existsSync(target), `${name}: ${link} is there`);
      if (anchor) t.ok(anchorsOf(await readFile(target, 'utf8')).includes(anchor), `${name}: ${link} has its heading`);
      count += 1;
    }
  }
  t.ok(count > 20);
});

t.test('every test, folder and script that a page names is there', async (t) => {
  for (const { name, text } of pages) {
    for (const [, path = ''] of text.matchAll(
      /`((?:test|bench|deploy|api|workers|shared|db|client)\/[\w./-]*\w)\/?`/g,
    )) {
      t.ok(existsSync(new URL(path, root)), `${name}: ${path}`);
    }
    for (const [, script = ''] of text.matchAll(/npm run ([a-z:]+)/g)) {
      t.ok(script in about.scripts, `${name}: npm run ${script}`);
    }
  }
});

t.test('every guarantee names a test that holds it', async (t) => {
  const rows = [...textOf('docs/guarantees.md').matchAll(/^\| (.+) \|$/gm)]
    .slice(2)
    .map(([, row = '']) => row.split(' | '));
  t.ok(rows.length > 15);
  for (const [promise, kept, held = ''] of rows) {
    t.ok(kept, `${promise}: how`);
    t.match(held, /`test\/[\w./-]+`/, `${promise}: by what test`);
  }
});

t.test('the README lists every command', async (t) => {
  const listed = [...textOf('README.md').matchAll(/^\| `field ([a-z]+)/gm)].map(([, command]) => command);
  const commands = createProgram().commands.map((command) => command.name());
  t.same(listed.toSorted(), commands.toSorted());
});

t.test('the architecture lists every room', async (t) => {
  const text = textOf('docs/architecture.md');
  const listed = [...text.matchAll(/^\| `([a-z]+)\//gm)].map(([, room]) => room);
  const entries = await readdir(root, { withFileTypes: true });
  const ignored = [...(await read('.gitignore')).split('\n'), 'docs/', 'node_modules/'];
  const rooms = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .filter((name) => !ignored.some((line) => line.replaceAll('/', '') === name));
  t.same(
    rooms.filter((room) => !listed.includes(room)),
    [],
  );
});
