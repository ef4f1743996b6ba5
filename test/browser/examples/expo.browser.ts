/** The web build of `examples/expo`: two phones share a grid, and one of them is offline for a while. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import t, { type Test } from 'tap';
import { withApi } from '../../api/support/with-app.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { launchChromium } from '../support/chromium.ts';
import { withPageNetwork } from '../support/page-network.ts';

const folder = 'examples/expo/dist';
const isBuilt = existsSync(join(folder, 'index.html'));

/** Serves the build, in which the address of the API is fixed. @returns the address of the app */
async function serveBuild(t: Test, apiAddress: string): Promise<string> {
  const server = createServer(async (request, response) => {
    const path = request.url === '/' ? '/index.html' : normalize(request.url ?? '');
    const content = await readFile(join(folder, path), 'utf8').catch(() => undefined);
    response.statusCode = content === undefined ? 404 : 200;
    response.setHeader('content-type', path.endsWith('.js') ? 'text/javascript' : 'text/html');
    response.end(content?.replaceAll('http://127.0.0.1:3000', apiAddress));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const skip = isBuilt ? false : 'examples/expo is not built: run .ci/expo';

t.test('two phones with the Expo example share a grid', { skip }, async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing, { NODE_ENV: 'development', OPEN_REGISTRATION: 'true' });
  await withWorker(t, backing);
  const { browser, close } = await launchChromium();
  t.teardown(close);
  const open = async () => {
    const network = await withPageNetwork(t, api.address);
    const page = await browser.newPage({ viewport: { width: 390, height: 760 } });
    await page.goto(await serveBuild(t, network.address));
    const status = page.getByRole('status');
    await status.filter({ hasText: /^live$/ }).waitFor();
    const cell = (name: string, isOn: boolean) =>
      page.getByRole('switch', { name: `cell ${name}`, exact: true, checked: isOn });
    return { page, network, status, cell };
  };
  const [one, two] = [await open(), await open()];
  await one.cell('3, 4', false).click();
  await two.cell('3, 4', true).waitFor();

  two.network.goOffline();
  await two.cell('5, 5', false).click();
  await two.status.filter({ hasText: '1 waiting' }).waitFor();
  t.equal(await one.cell('5, 5', true).count(), 0);
  two.network.goOnline();
  await one.cell('5, 5', true).waitFor();
  await two.status.filter({ hasText: /^live$/ }).waitFor();

  await two.page.reload();
  await two.cell('5, 5', true).waitFor();
  await two.cell('3, 4', true).waitFor();
});
