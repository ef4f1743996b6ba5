/** What an operator who may only look sees on the board, in a browser with its own login. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import t from 'tap';
import { hashPassword } from '../../../shared/auth/password-hash.ts';
import { withApi } from '../../api/support/with-app.ts';
import { withBacking } from '../../support/processes/with-worker.ts';
import { setCell } from '../../support/updates.ts';
import { withFolder } from '../../support/with-folder.ts';
import { launchChromium } from '../support/chromium.ts';
import { withReverseProxy } from '../support/reverse-proxy.ts';

const password = 'kite-velvet-otter-91';

t.test('an operator with board:read sees jobs and no button that changes them', async (t) => {
  const file = join(await withFolder(t), 'operators.json');
  const hash = await hashPassword(password);
  await writeFile(
    file,
    JSON.stringify([
      { name: 'reader', password: hash, scopes: ['board:read'] },
      { name: 'writer', password: hash, scopes: ['board:write'] },
    ]),
  );
  const api = await withApi(t, await withBacking(t), {
    NODE_ENV: 'production',
    OPEN_REGISTRATION: 'false',
    OPERATORS_FILE: file,
    TRUST_PROXY: '127.0.0.1',
  });
  // No worker runs, so the job waits.
  const { status } = await api.request('/api/fields/board/updates', {
    token: await api.createToken(),
    body: { updates: [setCell(1, 0, 0.5)] },
  });
  t.equal(status, 202);
  const { browser, close } = await launchChromium();
  t.teardown(() => close());

  async function openQueue(username: string, address = api.address): Promise<{ page: Page; foreign: string[] }> {
    const context = await browser.newContext({ httpCredentials: { username, password } });
    t.teardown(() => context.close());
    const page = await context.newPage();
    const foreign: string[] = [];
    page.on('response', (response) => {
      if (!response.url().startsWith(`${address}/`)) foreign.push(response.url());
    });
    await page.goto(`${address}/admin/queues/`);
    await page.getByRole('link', { name: 'Updates, partition 0' }).first().click();
    await page.getByText('board: ').first().waitFor();
    await page.getByRole('heading').first().waitFor();
    return { page, foreign };
  }

  const [reader, writer] = [await openQueue('reader'), await openQueue('writer')];
  const [readerButtons, writerButtons] = await Promise.all(
    [reader, writer].map(({ page }) => page.getByRole('button').count()),
  );
  // The menu of the queue, with all that changes it.
  t.equal(readerButtons, (writerButtons ?? 0) - 1, 'it has no menu of actions');
  t.same([...reader.foreign, ...writer.foreign], [], 'nothing is asked of other sites');

  const { address, strays } = await withReverseProxy(t, { target: api.address, prefix: '/below/here' });
  const { page, foreign } = await openQueue('reader', address);
  const link = page.getByRole('link', { name: 'Field board' }).first();
  const href = new URL((await link.getAttribute('href')) ?? '', String(await page.evaluate('document.baseURI'))).href;
  t.equal(href, `${address}/?field=board`, 'links lie below the path of a proxy');
  t.same([...foreign, ...strays], [], 'and so does all that the board asks for');
});
