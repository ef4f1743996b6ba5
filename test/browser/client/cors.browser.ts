/** A page of an origin that the API does not allow learns why it gets no answer, instead of seeming to be offline. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import t, { type Test } from 'tap';
import { withApi } from '../../api/support/with-app.ts';
import { withBacking } from '../../support/processes/with-worker.ts';
import { launchChromium } from '../support/chromium.ts';

/** @returns the address of a page that has `createFieldClient` */
async function withClientPage(t: Test): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { createFieldClient } from './client/field-client.ts'; Object.assign(globalThis, { createFieldClient });`,
      resolveDir: process.cwd(),
      loader: 'ts',
    },
    ...{ bundle: true, format: 'esm', write: false },
  });
  const html = `<!doctype html><title>app</title><script type="module">${outputFiles[0]?.text}</script>`;
  const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(html));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

t.test('problems of a page of another origin', async (t) => {
  const backing = await withBacking(t);
  // In development every page of this machine is allowed.
  const settings = {
    NODE_ENV: 'production',
    ADMIN_PASSWORD: 'a password that nobody guesses',
    OPEN_REGISTRATION: 'true',
  };
  const api = await withApi(t, backing, settings);
  const address = await withClientPage(t);
  const { browser, close } = await launchChromium();
  t.teardown(close);
  const page = await browser.newPage();
  await page.goto(address);
  /** @returns the code of the first problem of a client that cannot connect */
  const findProblem = (url: string) =>
    page.evaluate(async (url) => {
      const { createFieldClient } = globalThis as unknown as {
        createFieldClient: (options: object) => {
          on(name: string, listener: (problem: { code: string }) => void): void;
          start(): Promise<void>;
          close(): Promise<void>;
        };
      };
      const client = createFieldClient({ url, field: 'global' });
      const code = new Promise<string>((resolve) => client.on('problem', (problem) => resolve(problem.code)));
      await client.start();
      const first = await code;
      await client.close();
      return first;
    }, url);
  t.equal(await findProblem(api.address), 'cors_blocked');
  t.equal(await findProblem('http://127.0.0.1:9'), 'network', 'a server that cannot be reached');
});
