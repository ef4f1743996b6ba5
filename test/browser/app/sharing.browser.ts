/** A field is shared by a link: whoever opens it sees the field, and can change nothing unless they have access of their own. */
import t from 'tap';
import { putParticle } from '../../support/updates.ts';
import { send } from '../support/send.ts';
import { type LivePage, phone, pointAt, withSite } from '../support/with-page.ts';

async function openShare({ page }: LivePage): Promise<void> {
  await page.getByRole('button', { name: 'Share' }).click();
  await page.getByRole('dialog').waitFor();
  await page.getByRole('img', { name: 'QR code of the link' }).waitFor();
}

const linkOf = ({ page }: LivePage) => page.getByRole('textbox', { name: 'Link' }).inputValue();

t.test('sharing', async (t) => {
  const site = await withSite(t);
  await send(site.api, 'garden', 'phone-1', [putParticle(1, 'star', { content: 'A star' })]);

  await t.test("a viewer's link lets one see the field live, and change nothing", async (t) => {
    const live = await site.open(t, { field: 'garden' });
    await live.waitUntilLive();
    await openShare(live);
    t.notMatch(await linkOf(live), /#/, 'the plain link contains no token');
    await live.page.getByRole('radio', { name: /Only watch/ }).check();
    await live.waitForText('.share [role=status]', /can watch until/);
    const url = new URL(await linkOf(live));
    t.match(url.hash, /^#view=./);

    const requested: string[] = [];
    const viewer = await site.open(t, { field: 'garden', hash: url.hash, viewport: phone, hasTouch: true });
    viewer.page.on('request', (request) => requested.push(`${request.url()} ${JSON.stringify(request.headers())}`));
    await viewer.waitUntilLive();
    t.equal(new URL(viewer.page.url()).hash, '', 'the token is taken out of the address');
    await viewer.waitForFigure('particles', '1');
    await viewer.waitForText('.viewing', /You are watching/);
    t.equal(await viewer.page.getByRole('radio', { name: 'Particle' }).count(), 0, 'there are no tools');
    const { x, y } = await pointAt(viewer);
    await viewer.page.touchscreen.tap(x, y);
    await viewer.page.locator('#field').focus();
    await viewer.page.keyboard.press('Enter');
    await send(site.api, 'garden', 'phone-1', [putParticle(2, 'moon', { content: 'A moon' })]);
    await viewer.waitForFigure('particles', '2');
    t.equal(await viewer.page.textContent('#pending'), '', 'nothing was changed');

    await viewer.page.reload();
    await viewer.waitUntilLive();
    await viewer.waitForText('.viewing', /You are watching/);
    const token = url.hash.slice('#view='.length);
    t.equal(requested.filter((request) => /referer[^,]*view/.test(request)).length, 0);
    t.equal(requested.filter((request) => request.split(' ')[0]?.includes(token)).length, 0, 'no address contains it');

    await viewer.page.getByRole('button', { name: 'Use my own access' }).click();
    await viewer.page.getByRole('radio', { name: 'Particle' }).waitFor();
    await viewer.waitUntilLive();
    t.notSame(site.api.address, '');
  });

  await t.test('a viewer passes on its own link, and a link that is no longer valid says so', async (t) => {
    const token = await site.api.createToken({ device: null, fields: ['garden'], scope: ['field:read'] });
    const viewer = await site.open(t, { field: 'garden', hash: `#view=${token}` });
    await viewer.waitUntilLive();
    await openShare(viewer);
    t.equal(new URL(await linkOf(viewer)).hash, `#view=${token}`);

    const expected = /status of 40[13]|WebSocket connection/;
    const late = await site.open(t, { field: 'garden', hash: '#view=nonsense', expected });
    const dialog = late.page.getByRole('dialog', { name: 'This link does not work any more' });
    await dialog.waitFor();
    await late.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await late.page.reload();
    await dialog.getByRole('button', { name: 'Not now' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await late.page.reload();
    await dialog.getByRole('button', { name: 'Go on without the link' }).click();
    await late.waitUntilLive();
  });
});
