/** `examples/vite-react` with a stack of its own, as pages that are open in a browser. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { Test } from 'tap';
import { withApi } from '../../api/support/with-app.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { launchChromium } from './chromium.ts';
import { type PageNetwork, withPageNetwork } from './page-network.ts';

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
export function isDrawn(page: Page, x: number, y: number): Promise<boolean> {
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

export async function draw(page: Page, x: number, y: number): Promise<void> {
  await page.locator('canvas').click({ position: { x: x * 16 + 8, y: y * 16 + 8 } });
  await waitUntil('the cell is drawn', () => isDrawn(page, x, y));
}

interface OpenCanvas {
  readonly page: Page;
  readonly network: PageNetwork;
}

/** @returns a function that opens the example in a browser context of its own, and waits until it is live */
export async function withCanvas(
  t: Test,
): Promise<(parameters?: string, options?: BrowserContextOptions) => Promise<OpenCanvas>> {
  const backing = await withBacking(t);
  const api = await withApi(t, backing, { NODE_ENV: 'development', OPEN_REGISTRATION: 'true' });
  await withWorker(t, backing);
  const address = await serveExample(t);
  const { browser, close } = await launchChromium();
  t.teardown(close);
  return async (parameters = '', options = {}) => {
    const network = await withPageNetwork(t, api.address);
    const page = await (await browser.newContext(options)).newPage();
    await page.goto(`${address}?url=${encodeURIComponent(network.address)}${parameters}`);
    await waitUntilLive(page);
    return { page, network };
  };
}

export function waitUntilLive(page: Page): Promise<void> {
  return page
    .getByRole('status')
    .filter({ hasText: /^live$/ })
    .waitFor();
}
