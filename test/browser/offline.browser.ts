import t from 'tap';
import { withApi } from '../api/support/with-app.ts';
import { waitForCache } from '../support/read-back.ts';
import { asField } from '../support/updates.ts';
import { networkErrors, withPageNetwork } from './support/page-network.ts';
import { pointAt, withSite } from './support/with-page.ts';

t.test('the live page without a network', async (t) => {
  const site = await withSite(t);

  await t.test('edits made offline survive a reload and are sent when the network is back', async (t) => {
    const live = await site.open(t, { field: 'reload', expected: networkErrors });
    await live.waitUntilLive();
    await live.context.route('**/api/**', (route) => route.abort());
    await live.page.reload();
    const { x, y } = await pointAt(live);
    await live.page.mouse.click(x, y);
    await live.waitForFigure('particles', '1');
    await live.page.reload();
    await live.waitForFigure('particles', '1');
    await live.waitForText('#pending', /^1 queued$/);
    await live.context.unroute('**/api/**');
    await live.waitForText('#pending', /^$/);
    t.equal(await live.figure('particles'), '1');
  });

  await t.test('the whole page is there after a reload without a network, with the edits that wait', async (t) => {
    const link = await withPageNetwork(t, site.api.address);
    const live = await site.open(t, { address: link.address, field: 'reload-offline', expected: networkErrors });
    await live.waitUntilLive();
    await live.page.evaluate('navigator.serviceWorker.ready');
    link.goOffline();
    await live.waitForText('#status', /^offline$/);
    const { x, y } = await pointAt(live);
    await live.page.mouse.click(x, y);
    await live.waitForText('#pending', /^1 queued$/);
    await live.page.reload();
    await live.waitForText('#status', /^offline$/);
    await live.waitForFigure('particles', '1');
    await live.waitForText('#pending', /^1 queued$/);
    await live.page.locator('#timeline:not([inert])').waitFor();
    await live.page.locator('#share').click();
    await live.page.getByRole('dialog').filter({ hasText: 'Share' }).waitFor();
    await live.page.keyboard.press('Escape');
    link.goOnline();
    await live.waitForText('#pending', /^$/);
    await waitForCache(site.backing, asField('reload-offline'), 1);
  });

  await t.test('what a closed tab could not send is sent by another tab of the browser', async (t) => {
    const link = await withPageNetwork(t, site.api.address);
    const live = await site.open(t, { address: link.address, field: 'two-tabs', expected: networkErrors });
    await live.waitUntilLive();
    const other = await live.context.newPage();
    const sockets: string[] = [];
    other.on('websocket', (socket) => sockets.push(socket.url()));
    await other.goto(live.page.url());
    await other
      .locator('#status')
      .filter({ hasText: /^live$/ })
      .waitFor();
    t.same(sockets, [], 'the tabs share a connection');
    link.goOffline();
    const { x, y } = await pointAt(live);
    await other.mouse.click(x, y);
    await live.waitForText('#pending', /^1 queued$/);
    await other.close();
    link.goOnline();
    await live.waitForText('#pending', /^$/);
    await waitForCache(site.backing, asField('two-tabs'), 1);
    t.equal(await live.figure('particles'), '1');
  });

  await t.test('during an outage of the API the page keeps edits, shows their number, and loses none', async (t) => {
    const live = await site.open(t, { field: 'outage', expected: networkErrors });
    await live.waitUntilLive();
    await site.api.stop();
    await live.waitForText('#status', /^(offline|connecting)/);
    for (const dx of [-150, 0, 150]) {
      const { x, y } = await pointAt(live, dx);
      await live.page.mouse.click(x, y);
    }
    await live.waitForFigure('particles', '3');
    await live.waitForText('#pending', /^3 queued$/);

    const { port } = new URL(site.api.address);
    await withApi(t, site.backing, { OPEN_REGISTRATION: 'true', PORT: port });
    await live.waitForText('#pending', /^$/);
    await live.waitUntilLive();
    t.equal(await live.figure('particles'), '3');
    await waitForCache(site.backing, asField('outage'), 3);
  });
});
