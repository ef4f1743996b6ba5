/** The token dialog of the live page, where registration is closed. */
import t from 'tap';
import { withSite } from './support/with-page.ts';

t.test('with registration closed, the page asks for a token', async (t) => {
  const site = await withSite(t, { OPEN_REGISTRATION: 'false' });
  const expected = /status of 40[13]|WebSocket connection/;

  await t.test('and accepts one that is typed in', async (t) => {
    const live = await site.open(t, { expected });
    const dialog = live.page.getByRole('dialog', { name: 'This field requires a token' });
    await dialog.waitFor();
    t.match(await live.waitForText('#entry-reason', /\S/), /Registration is closed/);
    await dialog.getByLabel('Token').fill(await site.api.createToken({ device: 'typed-1' }));
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await live.waitUntilLive();
  });

  await t.test('accepts one from the address fragment and removes it from the address', async (t) => {
    const token = await site.api.createToken({ device: 'linked-1' });
    const live = await site.open(t, { hash: `#token=${token}` });
    await live.waitUntilLive();
    t.notMatch(live.page.url(), /token/);
    t.equal(await live.page.locator('dialog[open]').count(), 0);
  });

  await t.test('an invalid token is rejected, and the page asks for another', async (t) => {
    const live = await site.open(t, { hash: '#token=nonsense', expected });
    const dialog = live.page.getByRole('dialog', { name: 'This field requires a token' });
    await dialog.getByRole('button', { name: 'Not now' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await live.waitForText('#status', /^access denied$/);
    await live.page.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor();
  });
});
