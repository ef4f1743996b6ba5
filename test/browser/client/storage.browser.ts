/** The storages of browsers, in a browser. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { memoryStorage } from '../../../client/storage/memory-storage.ts';
import { storageChecks } from '../../../client/storage/storage-checks.ts';
import { launchChromium } from '../support/chromium.ts';
import type { StoragePage } from '../support/storage-page.ts';

const names = storageChecks(memoryStorage).map(({ name }) => name);

/** @returns the address of an empty page with the script of `storage-page.ts` */
async function withStoragePage(t: Test): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['test/browser/support/storage-page.ts'],
    bundle: true,
    format: 'esm',
    write: false,
  });
  const html = `<!doctype html><title>storage</title><script type="module">${outputFiles[0]?.text}</script>`;
  const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(html));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function call<Name extends keyof StoragePage>(page: Page, name: Name, ...args: Parameters<StoragePage[Name]>) {
  const evaluate = ([name, args]: [string, unknown[]]) =>
    (globalThis as unknown as { page: Record<string, (...args: unknown[]) => unknown> }).page[name]?.(...args);
  return page.evaluate(evaluate, [name, args] as [string, unknown[]]) as ReturnType<StoragePage[Name]>;
}

t.test('storages of browsers', async (t) => {
  const address = await withStoragePage(t);
  const { browser, close } = await launchChromium();
  t.teardown(close);
  const openPage = async (t: Test) => {
    const context = await browser.newContext();
    t.teardown(() => context.close());
    const page = await context.newPage();
    await page.goto(address);
    return { context, page };
  };

  for (const kind of ['indexedDB', 'localStorage'] as const) {
    await t.test(`${kind} passes every check`, async (t) => {
      const { page } = await openPage(t);
      t.same(
        await call(page, 'check', kind),
        names.map((name) => `ok ${name}`),
      );
    });

    await t.test(`${kind} has its values after a reload, and another tab has its own`, async (t) => {
      const { context, page } = await openPage(t);
      t.same(await call(page, 'set', kind, { key: 80_000 }), []);
      await page.reload();
      t.equal((await call(page, 'get', kind, 'key'))?.length, 80_000);
      const other = await context.newPage();
      await other.goto(address);
      t.equal(await call(other, 'get', kind, 'key'), null);
    });
  }

  await t.test('a write to IndexedDB that exceeds the quota fails alone', async (t) => {
    const { context, page } = await openPage(t);
    const session = await context.newCDPSession(page);
    await session.send('Storage.overrideQuotaForOrigin', { origin: address, quotaSize: 200_000 });
    const failed = await call(page, 'set', 'indexedDB', { first: 10, second: 10, huge: 2_000_000, last: 10 });
    t.same(failed, ['huge: QuotaExceededError']);
    t.equal((await call(page, 'get', 'indexedDB', 'last'))?.length, 10);
  });

  await t.test('IndexedDB is used again after the app has deleted the database', async (t) => {
    const { page } = await openPage(t);
    t.same(await call(page, 'set', 'indexedDB', { key: 10 }), []);
    await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const { indexedDB } = globalThis as unknown as { indexedDB: { deleteDatabase(name: string): EventTarget } };
          const request = indexedDB.deleteDatabase('consciousness-field');
          request.addEventListener('success', resolve);
          request.addEventListener('blocked', reject);
        }),
    );
    t.equal(await call(page, 'get', 'indexedDB', 'key'), null);
    t.same(await call(page, 'set', 'indexedDB', { key: 20 }), []);
    t.equal((await call(page, 'get', 'indexedDB', 'key'))?.length, 20);
  });
});
