/**
 * Copies the pages of the repository to .pages, from which VitePress builds the site: all of docs/, and what is linked from there. The
 * pages keep their places, so that links between them hold; a README.md becomes the index of its folder. Links to other
 * files lead to the repository at DOCS_REPOSITORY, or are plain text without it. A link to a file that does not exist fails.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const target = fileURLToPath(new URL('.pages', import.meta.url));
const repository = process.env.DOCS_REPOSITORY?.replace(/\/$/, '');

const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md') && !name.startsWith('site'))
  .map((name) => join('docs', name));
const outside = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'client/README.md',
  'client/CHANGELOG.md',
];
const examples = ['examples/README.md', 'examples/python/README.md', 'examples/expo/README.md'];
const pages = new Set([...inDocs, ...outside, ...examples.filter((name) => existsSync(join(root, name)))]);

/** Where a page is in the site. */
const placeOf = (page) => join(dirname(page), basename(page).replace(/^README\.md$/, 'index.md'));

/** @throws Error if the target does not exist */
function convertLink(page, link) {
  if (/^(https?:|mailto:|#)/.test(link)) return link;
  const [path, anchor] = link.split('#');
  const file = relative(root, resolve(root, dirname(page), path));
  if (!existsSync(join(root, file))) throw new Error(`${page}: ${link} does not exist`);
  const linked = pages.has(file) ? file : [join(file, 'README.md')].find((index) => pages.has(index));
  if (linked) return relative(dirname(page), placeOf(linked)).replace(/^(?!\.)/, './') + (anchor ? `#${anchor}` : '');
  return repository && `${repository}/${file}`;
}

/** Fenced code stays as it is. */
function convertPage(page, text) {
  const parts = text.split(/^(```[^\n]*\n[\s\S]*?^```$)/m);
  return parts.map((part, index) => (index % 2 === 1 ? part : convertText(page, part))).join('');
}

function convertText(page, text) {
  return text
    .replace(/(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g, (_, image, label, link) => {
      if (image) return `![${label}](${link.replace(/^(?![./]|https?:)/, './')})`;
      const converted = convertLink(page, link);
      return converted ? `[${label}](${converted})` : label;
    })
    .replace(/\b(src|srcset)="(?![./]|https?:)([^"]+)"/g, '$1="./$2"');
}

rmSync(target, { recursive: true, force: true });
for (const page of pages) {
  const file = join(target, placeOf(page));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, convertPage(page, readFileSync(join(root, page), 'utf8')));
}
for (const folder of ['images', 'performance'])
  cpSync(join(root, 'docs', folder), join(target, 'docs', folder), {
    recursive: true,
    filter: (name) => !name.endsWith('.md'),
  });
console.log(`${pages.size} pages`);
