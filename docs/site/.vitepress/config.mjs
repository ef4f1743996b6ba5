import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';

/** Anchors as GitHub makes them, since the pages are read there as well. */
const slugify = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');

/** The rows of the table in docs/README.md, in its order. */
const overview = readFileSync(new URL('../.pages/docs/index.md', import.meta.url), 'utf8');
const items = [...overview.matchAll(/^\| .+ \| \[([^\]]+)\]\((?:\.\/)?([^)]+)\.md\) \|$/gm)].map(([, text, link]) => ({
  text: text[0].toUpperCase() + text.slice(1),
  link: new URL(`/docs/${link}`, 'http://site').pathname.replace(/index$/, ''),
}));
if (items.length < 20) throw new Error('The table of docs/README.md was not understood');

export default defineConfig({
  title: 'consciousness-field',
  description: 'A shared live field that many phones change at once',
  lang: 'en',
  // There is none; without this, browsers ask for one.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  srcDir: '.pages',
  outDir: 'dist',
  cleanUrls: false,
  base: process.env.DOCS_BASE ?? '/',
  ignoreDeadLinks: false,
  markdown: { anchor: { slugify } },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Documentation', link: '/docs/' },
      { text: 'Client', link: '/client/' },
      { text: 'Changelog', link: '/CHANGELOG' },
    ],
    sidebar: [
      {
        text: 'Start',
        items: [
          { text: 'Quick start', link: '/' },
          { text: 'Overview', link: '/docs/' },
        ],
      },
      { text: 'Pages', items },
      {
        text: 'Project',
        items: [
          { text: 'Contributing', link: '/CONTRIBUTING' },
          { text: 'Security policy', link: '/SECURITY' },
        ],
      },
    ],
    outline: [2, 3],
  },
});
