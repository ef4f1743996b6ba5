/** Tabs of one browser that share a client, in a browser and on a real server. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { BrowserContext, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { withApi } from '../../api/support/with-app.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { launchChromium } from '../support/chromium.ts';
import type { TabsPage, TabsPageState } from '../support/tabs-page.ts';

interface Tab {
  readonly page: Page;
  edit(...texts: string[]): Promise<void>;
  read(): Promise<TabsPageState>;
  until(condition: string, isMet: (state: TabsPageState) => boolean): Promise<TabsPageState>;
}

function call<Name extends keyof TabsPage>(page: Page, name: Name, ...args: Parameters<TabsPage[Name]>) {
  const evaluate = ([name, args]: [string, unknown[]]) =>
    (globalThis as unknown as { page: Record<string, (...args: unknown[]) => unknown> }).page[name]?.(...args);
  return page.evaluate(evaluate, [name, args] as [string, unknown[]]) as Promise<Awaited<ReturnType<TabsPage[Name]>>>;
}

/** @returns the address of the page of `tabs-page.ts` */
async function withTabsPage(t: Test): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['test/browser/support/tabs-page.ts'],
    bundle: true,
    format: 'esm',
    write: false,
  });
  const html = `<!doctype html><title>tab</title><script type="module">${outputFiles[0]?.text}</script>`;
  const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(html));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('tabs of one browser', async (t) => {
  const { browser, close } = await launchChromium();
  t.teardown(close);
  const address = await withTabsPage(t);
  const settings = { OPEN_REGISTRATION: 'true', CORS_ORIGINS: address };
  const backing = await withBacking(t, settings);
  const api = await withApi(t, backing, settings);
  await withWorker(t, backing);

  async function openBrowser(t: Test): Promise<BrowserContext> {
    const context = await browser.newContext();
    t.teardown(() => context.close());
    return context;
  }
  async function openTab(context: BrowserContext, field: string, { storage = 'indexedDB', isShared = true } = {}) {
    const page = await context.newPage();
    await page.goto(`${address}/?storage=${storage}&api=${api.address}`);
    await call(page, 'start', field, isShared);
    const tab: Tab = {
      page,
      edit: (...texts) => call(page, 'edit', texts),
      read: () => call(page, 'read'),
      async until(condition, isMet) {
        const met = async () => {
          const state = await tab.read();
          return isMet(state) && state;
        };
        return waitUntil(condition, met, { timeoutMs: 20_000 });
      },
    };
    return tab;
  }
  const untilLive = (tab: Tab) => tab.until('the tab is live', ({ status }) => status === 'live');
  const untilSynced = (tab: Tab) => tab.until('nothing is pending', ({ pending }) => pending === 0);

  /** What the field's log has, in order. */
  async function readLog(field: string): Promise<{ texts: string[]; devices: number }> {
    const token = await api.createToken();
    const { body } = await api.request(`/api/fields/${field}/updates?after=0&limit=1000`, { token });
    const entries = body.updates as { device: string; update: { content: string } }[];
    const texts = entries.map(({ update }) => update.content);
    return { texts, devices: new Set(entries.map(({ device }) => device)).size };
  }

  for (const storage of ['indexedDB', 'localStorage']) {
    await t.test(`two tabs with ${storage} are one device, and what each of them edits is sent once`, async (t) => {
      const [context, field] = [await openBrowser(t), `shared-${storage.toLowerCase()}`];
      const tabs = [await openTab(context, field, { storage }), await openTab(context, field, { storage })];
      const [leader, follower] = tabs as [Tab, Tab];
      await Promise.all(tabs.map(untilLive));
      await Promise.all([follower.edit('a', 'b', 'c'), leader.edit('x', 'y', 'z')]);
      for (const tab of tabs) await tab.until('both show all', ({ texts }) => texts.length === 6);
      await Promise.all(tabs.map(untilSynced));
      const { texts, devices } = await readLog(field);
      t.same(texts.sort(), ['a', 'b', 'c', 'x', 'y', 'z']);
      t.equal(devices, 1);
      t.equal((await leader.read()).deviceId, (await follower.read()).deviceId);
    });
  }

  await t.test('tabs are one person to others, who stay known when the tab that leads is closed', async (t) => {
    const [context, others, field] = [await openBrowser(t), await openBrowser(t), 'present'];
    const [leader, follower] = [await openTab(context, field), await openTab(context, field)];
    const other = await openTab(others, field);
    await Promise.all([leader, follower, other].map(untilLive));
    const shows =
      (...names: string[]) =>
      (state: TabsPageState) =>
        state.names.join() === names.join();
    await call(other.page, 'show', 'Birch');
    await call(leader.page, 'show', 'Amber');
    for (const tab of [leader, follower, other]) await tab.until('all know both', shows('Amber', 'Birch'));
    await call(follower.page, 'show', 'Cedar');
    for (const tab of [leader, follower, other]) await tab.until('the last name counts', shows('Birch', 'Cedar'));
    await leader.page.close();
    await untilLive(follower);
    for (const tab of [follower, other]) await tab.until('they know each other again', shows('Birch', 'Cedar'));
    await context.close();
    await other.until('who has gone is not known any more', shows('Birch'));
  });

  for (const end of ['closed', 'reloaded', 'crashed'] as const) {
    await t.test(`when the tab that leads is ${end}, another one sends what waits`, async (t) => {
      const [context, field] = [await openBrowser(t), `end-${end}`];
      const [leader, follower] = [await openTab(context, field), await openTab(context, field)];
      await Promise.all([untilLive(leader), untilLive(follower)]);
      await leader.edit('first');
      await untilSynced(follower);
      const mine = Array.from({ length: 30 }, (_, edit) => `follower ${edit}`);
      const theirs = Array.from({ length: 30 }, (_, edit) => `leader ${edit}`);
      const edits = Promise.all([leader.edit(...theirs), follower.edit(...mine.slice(0, 15))]);
      // The edits of a page that ends at the same moment may not have become known to anything else than this page.
      if (end !== 'crashed') await edits;
      else await leader.until('its edits are stored or sent', ({ texts }) => texts.length >= 31);
      if (end === 'closed') await leader.page.close();
      if (end === 'reloaded') await leader.page.reload();
      if (end === 'crashed') {
        const session = await context.newCDPSession(leader.page);
        void session.send('Page.crash').catch(() => undefined);
        await waitUntil('the page has crashed', () =>
          leader.page.evaluate('1').then(
            () => false,
            () => true,
          ),
        );
      }
      const endedAt = Date.now();
      await follower.edit(...mine.slice(15));
      const { liveAt, syncedAt } = await untilSynced(follower);
      t.comment(`live after ${liveAt - endedAt} ms, everything sent after ${syncedAt - endedAt} ms`);
      await untilLive(follower);
      const { texts, devices } = await readLog(field);
      t.equal(new Set(texts).size, texts.length, 'none is doubled');
      t.same(
        texts.filter((text) => text.startsWith('follower')),
        mine,
      );
      t.equal(devices, 1);
    });
  }

  await t.test('edits made offline in three tabs, two of which are closed, arrive once', async (t) => {
    const [context, field] = [await openBrowser(t), 'offline-tabs'];
    const tabs = [];
    for (let tab = 0; tab < 3; tab += 1) tabs.push(await openTab(context, field));
    for (const tab of tabs) await untilLive(tab);
    await context.setOffline(true);
    const expected: string[] = [];
    for (const [index, tab] of tabs.entries()) {
      const texts = Array.from({ length: 10 }, (_, edit) => `${index}-${edit}`);
      expected.push(...texts);
      await tab.edit(...texts);
    }
    const [first, second, third] = tabs as [Tab, Tab, Tab];
    await third.until('it shows all', ({ pending, texts }) => pending === 30 && texts.length === 30);
    await first.page.close();
    await second.page.close();
    await third.until('it still shows all', ({ pending }) => pending === 30);
    await context.setOffline(false);
    await third.until('nothing is pending', ({ pending, status }) => pending === 0 && status === 'live');
    const { texts, devices } = await readLog(field);
    t.same(texts.sort(), expected.sort());
    t.equal(devices, 1);
  });

  await t.test('what tabs with clients of their own have not sent is adopted, each as its own device', async (t) => {
    const [context, field] = [await openBrowser(t), 'old-slots'];
    const tabs = [];
    for (let tab = 0; tab < 3; tab += 1) tabs.push(await openTab(context, field, { isShared: false }));
    for (const [index, tab] of tabs.entries()) {
      await untilLive(tab);
      await tab.edit(`online ${index}`);
      await untilSynced(tab);
    }
    await context.setOffline(true);
    for (const [index, tab] of tabs.entries()) await tab.edit(`offline ${index}`);
    for (const { page } of tabs) {
      await call(page, 'close');
      await page.close();
    }
    await context.setOffline(false);
    const last = await openTab(context, field);
    await last.until('it shows all', ({ texts }) => texts.filter((text) => text.startsWith('offline')).length === 3);
    await last.until('nothing is pending', ({ pending, status }) => pending === 0 && status === 'live');
    const { texts, devices } = await readLog(field);
    t.same(texts.sort(), [0, 1, 2].flatMap((index) => [`offline ${index}`, `online ${index}`]).sort());
    t.equal(devices, 3);
  });

  await t.test('a tab that is suspended does not keep the others from sending', async (t) => {
    const [context, field] = [await openBrowser(t), 'suspended'];
    const [leader, follower] = [await openTab(context, field), await openTab(context, field)];
    await Promise.all([untilLive(leader), untilLive(follower)]);
    const session = await context.newCDPSession(leader.page);
    // A page that is stopped by the debugger does nothing either, and its locks remain its own.
    await session.send('Debugger.enable');
    const stopped = new Promise((resolve) => session.once('Debugger.paused', resolve));
    await session.send('Debugger.pause');
    await stopped;
    await follower.edit('while suspended');
    const { deviceId } = await follower.read();
    await follower.until('it leads', (state) => state.deviceId !== deviceId && state.status === 'live');
    await follower.edit('after that');
    await follower.until('the newer one is applied', ({ pending }) => pending <= 1);
    await session.send('Debugger.resume');
    await untilSynced(follower);
    await untilSynced(leader);
    t.same((await readLog(field)).texts.sort(), ['after that', 'while suspended']);
  });
});
