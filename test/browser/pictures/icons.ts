/** `npm run screenshots`: renders the icons of the installed page from their SVGs. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { launchChromium } from '../support/chromium.ts';

const folder = new URL('../../../page/install/icons/', import.meta.url);
/** Apple's icons and maskable ones are cut to shape by the system, so that their ground fills the square. */
const icons = [
  ['icon.svg', 'icon-192.png', 192],
  ['icon.svg', 'icon-512.png', 512],
  ['maskable.svg', 'maskable-512.png', 512],
  ['maskable.svg', 'touch-icon.png', 180],
] as const;

t.test('icons of the live page', async (t) => {
  const { browser, close } = await launchChromium();
  t.teardown(close);
  for (const [source, name, size] of icons) {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    const svg = await readFile(new URL(source, folder), 'utf8');
    await page.setContent(`<body style="margin:0">${svg.replace('<svg', `<svg width="${size}" height="${size}"`)}`);
    await page.screenshot({ path: fileURLToPath(new URL(name, folder)), omitBackground: true });
    t.comment(name);
  }
});
