/** Behind a reverse proxy that serves it below a path, the page works as at the root, and asks no other path or host. */
import t from 'tap';
import { withReverseProxy } from '../support/reverse-proxy.ts';
import { pointAt, withSite } from '../support/with-page.ts';

const prefix = '/below/here';

t.test('below a path', async (t) => {
  const site = await withSite(t, { TRUST_PROXY: '127.0.0.1' });
  const { address, strays } = await withReverseProxy(t, { target: site.api.address, prefix });

  await t.test('everything that the page asks for lies below the path', async (t) => {
    const live = await site.open(t, { address, field: 'garden' });
    const urls: string[] = [];
    live.page.on('request', (request) => urls.push(request.url()));
    live.page.on('websocket', (socket) => urls.push(socket.url().replace('ws:', 'http:')));
    await live.page.reload();
    await live.waitUntilLive();
    const { x, y } = await pointAt(live);
    await live.page.mouse.click(x, y);
    await live.waitForFigure('particles', '1');
    await live.waitForText('#pending', /^$/);
    await live.page.locator('#fields').click();
    await live.page.locator('.cards canvas[data-picture=drawn]').waitFor();
    t.match(await live.page.locator('.cards a').getAttribute('href'), `${address}/?field=garden`);
    await live.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await live.page.getByRole('button', { name: 'Share' }).click();
    const link = live.page.getByRole('textbox', { name: 'Link' });
    t.equal(await link.inputValue(), `${address}/?field=garden`);
    t.ok(urls.length > 8);
    t.same(
      urls.filter((url) => !url.startsWith(`${address}/`)),
      [],
    );
    t.same(strays, []);
    const scope = await live.page.evaluate('navigator.serviceWorker.ready.then(({ scope }) => scope)');
    t.equal(scope, `${address}/`);
    const stored = (await live.page.evaluate('Object.keys(localStorage)')) as string[];
    t.same(
      stored.filter((key) => !key.startsWith(prefix) && key !== 'field.theme'),
      [],
      'another installation on this origin has a storage of its own',
    );
  });

  await t.test('the server believes the prefix of a trusted proxy only', async (t) => {
    const readJson = async (path: string) => (await fetch(address + path)).json();
    t.match(await readJson('/api/fields/global'), { type: `${prefix}/docs/errors#unauthorized` });
    t.match(await readJson('/docs/json'), { servers: [{ url: prefix }] });
    for (const forged of ['//evil.example', 'https://evil.example', '/a"b', '/../..', `/${'a'.repeat(100)}`]) {
      const { body } = await site.api.request('/api/fields/global', { headers: { 'x-forwarded-prefix': forged } });
      t.equal(body.type, '/docs/errors#unauthorized', forged);
    }
  });
});
