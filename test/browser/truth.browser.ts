/** What the live page says of itself: whether it is live, what words mean, and who may change the field. */
import t from 'tap';
import { TcpLink } from '../faults/stack/tcp-link.ts';
import { putParticle } from '../support/updates.ts';
import { networkErrors } from './support/page-network.ts';
import { send } from './support/send.ts';
import { waitForTimeline, withSite } from './support/with-page.ts';

t.test('the live page tells the truth', async (t) => {
  const site = await withSite(t);

  await t.test('a lost connection shows within two seconds, and a server that hangs within five', async (t) => {
    const link = new TcpLink('page', 'api', Number(new URL(site.api.address).port));
    await link.listen();
    t.teardown(() => link.close());
    const address = `http://127.0.0.1:${link.port}`;
    const live = await site.open(t, { address, field: 'cut', expected: networkErrors });
    await live.waitUntilLive();
    t.equal(await live.page.title(), 'cut – Consciousness field');
    link.setMode('silent');
    const silentAt = Date.now();
    await live.waitForText('#status', /^no answer$/);
    t.comment(`a hung server shows after ${Date.now() - silentAt} ms`);
    t.match(await live.page.title(), /^\(no answer\)/);
    link.setMode('refuse');
    await live.waitForText('#status', /^offline$/);
    link.setMode('pass');
    await live.waitUntilLive();
    link.setMode('refuse');
    const refusedAt = Date.now();
    await live.waitForText('#status', /^(connecting|offline)$/);
    await live.waitForText('#status', /^offline$/);
    t.comment(`a lost connection shows after ${Date.now() - refusedAt} ms`);
    t.equal(await live.figure('devices'), '–', 'nobody knows who is online');
  });

  await t.test('an earlier version is called history', async (t) => {
    await send(site.api, 'past', 'phone-1', [putParticle(1, 'a'), putParticle(2, 'b')]);
    const live = await site.open(t, { field: 'past' });
    await live.waitForFigure('particles', '2');
    await waitForTimeline(live);
    await live.page.getByRole('slider', { name: 'Show an earlier version' }).press('ArrowLeft');
    await live.waitForFigure('particles', '1');
    await live.waitForText('#status', /^history$/);
    t.match(await live.page.title(), /^\(history\)/);
    await live.waitForText('#now-heading', /^Then$/);
    t.equal(await live.figure('devices'), '–', 'who is here now was not there then');
    await live.page.getByRole('slider', { name: 'Show an earlier version' }).press('Home');
    await live.waitForText('#past', /^You see the past: before the first change$/);
    t.equal(await live.page.locator('#invitation.shown').count(), 0);
    await live.page.getByRole('button', { name: 'Back to now' }).click();
    await live.waitUntilLive();
  });

  await t.test('what was made before the page was opened is not counted as new', async (t) => {
    const live = await site.open(t, { field: 'rate' });
    await live.waitUntilLive();
    await send(site.api, 'rate', 'phone-1', [putParticle(1, 'a')]);
    await live.waitForText('[data-figure=rate]', /^0\.2$/);
    const updates = Array.from({ length: 50 }, (_, index) => putParticle(index + 2, `p${index}`));
    await live.page.goto(`${site.api.address}/?field=elsewhere`);
    await send(site.api, 'rate', 'phone-1', updates);
    await live.page.goto(`${site.api.address}/?field=rate`);
    await live.waitForFigure('particles', '51');
    await live.waitUntilLive();
    t.equal(await live.figure('rate'), '0');
  });

  await t.test('a token that may only read gets the field without tools', async (t) => {
    await send(site.api, 'viewed', 'phone-1', [putParticle(1, 'a', { content: 'To be seen' })]);
    const token = await site.api.createToken({ device: 'viewer', scope: ['field:read'] });
    const live = await site.open(t, { field: 'viewed', hash: `#token=${token}` });
    await live.waitUntilLive();
    await live.page.getByRole('button', { name: 'read-only' }).waitFor();
    t.notOk(await live.page.locator('#tools').isVisible());
    t.notOk(await live.page.locator('#me').isVisible());
    await live.page.getByRole('button', { name: /To be seen/ }).click();
    await live.page.locator('#card').waitFor();
    t.ok(await live.page.getByLabel('Text of the particle').isDisabled());
    t.notOk(await live.page.getByRole('button', { name: 'Remove' }).isVisible());
  });

  await t.test('a first visit says what the page is, once', async (t) => {
    const live = await site.open(t, { field: 'welcome', isFirstVisit: true });
    await live.page.getByRole('region', { name: 'What is this?' }).waitFor();
    await live.page.getByRole('button', { name: 'Got it' }).click();
    await live.page.reload();
    await live.waitUntilLive();
    t.notOk(await live.page.locator('#welcome').isVisible());
    await live.page.getByRole('button', { name: 'What is this?' }).click();
    t.ok(await live.page.locator('#welcome').isVisible());
  });

  await t.test('words and buttons are explained by keyboard and pointer, and events say what they move', async (t) => {
    const live = await site.open(t, { field: 'words' });
    await live.waitUntilLive();
    const tooltip = live.page.locator('#tooltip');
    await live.page.getByRole('button', { name: 'Coherence' }).hover();
    await tooltip.filter({ hasText: 'How well the field holds together' }).waitFor();
    await live.page.keyboard.press('Escape');
    await tooltip.waitFor({ state: 'hidden' });
    await live.page.getByRole('button', { name: 'Void' }).focus();
    await live.page.keyboard.press('Tab');
    await tooltip.filter({ hasText: 'Global resonance +0.20' }).waitFor();
    await live.page.getByRole('button', { name: 'Bloom' }).click();
    await live.waitForText('[data-gauge=Coherence] .change', /^▲ \+0\.10$/);
    await live.waitForText('#effect', /^Bloom: .*coherence ▲ \+0\.10/);
    await live.page.getByRole('button', { name: 'Portal', exact: true }).click();
    await live.waitForText('#effect', /it takes an intensity above 0\.80, and yours is 0\.80/);
    for (const gauge of await live.page.locator('[data-gauge], [data-figure]').all()) {
      const isGauge = (await gauge.getAttribute('data-gauge')) !== null;
      const described = await (isGauge ? gauge : gauge.locator('..'))
        .getByRole('button')
        .getAttribute('aria-describedby');
      t.ok(await live.page.locator(`#${described}`).textContent(), `${described} has a text`);
    }
  });
});
