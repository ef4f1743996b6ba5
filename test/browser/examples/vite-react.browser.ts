/** `examples/vite-react` in a browser: two pages draw on one canvas, one of them offline for a while. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { withApi } from '../../api/support/with-app.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { launchChromium } from '../support/chromium.ts';

const folder = 'examples/vite-react';

/** The example with the client's sources in place of its package, which `.ci/package` builds it with. @returns its address */
async function serveExample(t: Test): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${folder}/src/main.tsx`],
    alias: {
      'consciousness-field-client/react': './client/react.ts',
      'consciousness-field-client/storage/local-storage': './client/storage/local-storage.ts',
    },
    ...{
      bundle: true,
      format: 'esm',
      jsx: 'automatic',
      write: false,
      define: { 'process.env.NODE_ENV': '"production"' },
    },
  });
  const html = await readFile(`${folder}/index.html`, 'utf8');
  const server = createServer((request, response) => {
    const isScript = request.url?.startsWith('/src/') === true;
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? outputFiles[0]?.text : html);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** The part of a canvas that is read here. */
interface CanvasElement {
  getContext(kind: '2d'): { getImageData(x: number, y: number, width: number, height: number): { data: number[] } };
}

/** Whether the middle of a cell is brighter than the background. */
function isDrawn(page: Page, x: number, y: number): Promise<boolean> {
  return page.evaluate(
    ([left, top]) => {
      const { document } = globalThis as unknown as { document: { querySelector(name: string): CanvasElement | null } };
      const canvas = document.querySelector('canvas');
      const [red = 0, green = 0, blue = 0] =
        canvas?.getContext('2d').getImageData(left ?? 0, top ?? 0, 1, 1).data ?? [];
      return red + green + blue > 200;
    },
    [x * 16 + 8, y * 16 + 8],
  );
}

async function draw(page: Page, x: number, y: number): Promise<void> {
  await page.locator('canvas').click({ position: { x: x * 16 + 8, y: y * 16 + 8 } });
  await waitUntil('the cell is drawn', () => isDrawn(page, x, y));
}

t.test('two pages of the example share a canvas', { timeout: 120_000 }, async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing, { NODE_ENV: 'development', OPEN_REGISTRATION: 'true' });
  await withWorker(t, backing);
  const address = `${await serveExample(t)}?url=${encodeURIComponent(api.address)}`;
  const { browser, close } = await launchChromium();
  t.teardown(close);
  const open = async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(address);
    await page
      .getByRole('status')
      .filter({ hasText: /^live$/ })
      .waitFor();
    return { context, page };
  };
  const [one, two] = [await open(), await open()];
  await draw(one.page, 3, 4);
  await waitUntil('the other page shows it', () => isDrawn(two.page, 3, 4));

  await two.context.setOffline(true);
  await draw(two.page, 7, 8);
  await draw(two.page, 8, 8);
  t.notOk(await isDrawn(one.page, 8, 8));
  await two.context.setOffline(false);
  await waitUntil('what was drawn offline arrives', () => isDrawn(one.page, 8, 8), { timeoutMs: 30_000 });
  t.ok(await isDrawn(one.page, 7, 8));
  await two.page
    .getByRole('status')
    .filter({ hasText: /^live$/ })
    .waitFor();
  await two.page.reload();
  await waitUntil('a page that is loaded again shows everything', async () => {
    const shown = await Promise.all([isDrawn(two.page, 3, 4), isDrawn(two.page, 7, 8), isDrawn(two.page, 8, 8)]);
    return shown.every(Boolean);
  });
});
