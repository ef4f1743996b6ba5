import { EventEmitter, once } from 'node:events';
import t from 'tap';
import { putParticle, setCell } from '../support/updates.ts';
import { send } from './support/send.ts';
import { drag, pointAt, withSite } from './support/with-page.ts';

t.test('the live page', { timeout: 120_000 }, async (t) => {
  const site = await withSite(t);

  await t.test('what one page draws, another sees', async (t) => {
    const [one, other] = [await site.open(t, { field: 'duet' }), await site.open(t, { field: 'duet' })];
    await Promise.all([one.waitUntilLive(), other.waitUntilLive()]);
    const { x, y } = await pointAt(one);
    await one.page.mouse.click(x, y);
    await other.waitForFigure('particles', '1');
    await one.waitForText('[data-figure=lag]', /^[\d.]+ m?s$/);

    await one.page.getByRole('radio', { name: 'Heat' }).check();
    await drag(one, -120, 120);
    await other.waitForText('[data-figure=cells]', /^[1-9]\d*$/);

    await one.page.getByRole('button', { name: 'Memory' }).click();
    await other.waitForText('#marks', /2 layers/);

    await one.page.getByRole('radio', { name: 'Remove' }).check();
    await one.page.mouse.click(x, y);
    await other.waitForFigure('particles', '0');
    t.pass('particle, cells, event and removal have come over');
  });

  await t.test('by keyboard alone', async (t) => {
    const live = await site.open(t, { field: 'keys' });
    await live.waitUntilLive();
    await live.page.locator('#field').focus();
    await live.page.keyboard.press('ArrowRight');
    await live.waitForText('#announcer', /^Column 17, row 16: heat 0.00, no particle near$/);
    await live.page.keyboard.press('Enter');
    await live.waitForFigure('particles', '1');
    await live.page.keyboard.press('d');
    await live.waitForText('#announcer', /near p-.*, resonance 0.80$/);
    await live.page.keyboard.press('Delete');
    await live.waitForFigure('particles', '0');
    t.pass('made, described and removed');
  });

  await t.test('text that others send stays text', async (t) => {
    const live = await site.open(t, { field: 'hostile' });
    await live.waitUntilLive();
    const markup = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    await send(site.api, 'hostile', 'phone-1', [
      putParticle(1, markup, { content: markup, position: { x: 0, y: 0, z: 0 } }),
    ]);
    await send(site.api, 'hostile', 'phone-2', [putParticle(1, markup, { content: `${markup}!` })]);
    t.equal(await live.waitForText('#memories li', /phone-2$/), `${markup}!phone-2`);
    await live.waitForText('#conflicts', /onerror/);
    t.equal(await live.page.locator('img, script:not([src])').count(), 0, 'no element has come of it');
    await live.page.locator('#field').focus();
    await live.page.keyboard.press('d');
    await live.waitForText('#announcer', /onerror/);
  });

  await t.test('a conflict is shown with both values, and who stands', async (t) => {
    const live = await site.open(t, { field: 'quarrel' });
    await live.waitUntilLive();
    await send(site.api, 'quarrel', 'phone-1', [setCell(1, 3, 0.25)]);
    await send(site.api, 'quarrel', 'phone-2', [setCell(1, 3, 0.75)]);
    await live.waitForText('#conflict-count', /^1$/);
    await live.waitForText('#conflicts', /lost/);
    const said = await live.page.locator('#conflicts li').innerText();
    t.match(said.replace(/\s+/g, ' '), '0.25 lost phone-1 / 0.75 stands phone-2 cell 3,0');
    await live.page.reload();
    await live.waitForText('#conflicts', /0\.25 lost phone-1/);
  });

  await t.test('a conflict told while the older ones are being read is neither lost nor counted twice', async (t) => {
    for (const isReadFirst of [true, false]) {
      const field = isReadFirst ? 'told-after' : 'told-before';
      const live = await site.open(t, { field });
      await live.waitUntilLive();
      const gate = new EventEmitter();
      const [asked, told] = [once(gate, 'asked'), once(gate, 'told')];
      await live.page.route('**/conflicts', async (route) => {
        const early = isReadFirst ? await route.fetch() : undefined;
        gate.emit('asked');
        await told;
        await route.fulfill({ response: early ?? (await route.fetch()) });
      });
      const answered = live.page.waitForResponse('**/conflicts');
      await send(site.api, field, 'phone-1', [setCell(1, 3, 0.25)]);
      await asked;
      await send(site.api, field, 'phone-2', [setCell(1, 3, 0.75)]);
      await live.waitForText('#conflict-count', /^1$/);
      gate.emit('told');
      await (await answered).finished();
      await live.page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
      t.equal(await live.page.textContent('#conflict-count'), '1', field);
      t.match(await live.page.textContent('#conflicts'), /lost/, field);
    }
  });

  await t.test('the scrubber shows how it was, and comes back', async (t) => {
    const field = 'history';
    await send(
      site.api,
      field,
      'phone-1',
      [1, 2, 3].map((counter) => putParticle(counter, `p${counter}`)),
    );
    const live = await site.open(t, { field });
    await live.waitForFigure('particles', '3');
    const scrubber = live.page.getByRole('slider', { name: /Look back/ });
    await scrubber.press('ArrowLeft');
    await live.waitForFigure('particles', '2');
    await live.waitForText('#version', /^version 2 of 3$/);
    t.ok(await live.page.locator('#tools[inert]').count(), 'the past cannot be drawn on');
    await live.page.getByRole('button', { name: 'Back to now' }).click();
    await live.waitForFigure('particles', '3');
    t.equal(await live.page.locator('#tools[inert]').count(), 0);
  });
});
