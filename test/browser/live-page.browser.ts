import { EventEmitter, once } from 'node:events';
import t from 'tap';
import { putParticle, setCell } from '../support/updates.ts';
import { send } from './support/send.ts';
import { drag, pointAt, waitForTimeline, withSite } from './support/with-page.ts';

t.test('the live page', async (t) => {
  const site = await withSite(t);

  await t.test('an edit in one page appears in another', async (t) => {
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
    t.pass('particle, cells, event and removal were transferred');
  });

  await t.test('the field can be edited with the keyboard alone', async (t) => {
    const live = await site.open(t, { field: 'keys' });
    await live.waitUntilLive();
    await live.page.locator('#field').focus();
    await live.page.keyboard.press('ArrowRight');
    await live.waitForText('#announcer', /^Column 17, row 16: heat 0.00, no particle near$/);
    await live.page.keyboard.press('Enter');
    await live.waitForFigure('particles', '1');
    await live.page.keyboard.type('Named by keys');
    await live.page.keyboard.press('Enter');
    await live.page.keyboard.press('d');
    await live.waitForText('#announcer', /near Named by keys, resonance 0.80$/);
    await live.page.keyboard.press('Delete');
    await live.waitForFigure('particles', '0');
    t.pass('added, described and removed');
  });

  await t.test('markup from other devices is displayed as text', async (t) => {
    const live = await site.open(t, { field: 'hostile' });
    await live.waitUntilLive();
    const markup = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    await send(site.api, 'hostile', 'phone-1', [
      putParticle(1, markup, { content: markup, position: { x: 15, y: 15, z: 0 } }),
    ]);
    await send(site.api, 'hostile', 'phone-2', [putParticle(1, markup, { content: `${markup}!` })]);
    t.equal(await live.waitForText('#memories li', /phone-2$/), `${markup}!phone-2`);
    await live.waitForText('#conflicts', /onerror/);
    t.equal(await live.page.locator('img, script:not([src])').count(), 0, 'no element was created from it');
    await live.page.locator('#field').focus();
    await live.page.keyboard.press('d');
    await live.waitForText('#announcer', /onerror/);
  });

  await t.test('a conflict is shown with both values and the winner', async (t) => {
    const live = await site.open(t, { field: 'quarrel' });
    await live.waitUntilLive();
    await send(site.api, 'quarrel', 'phone-1', [setCell(1, 3, 0.25)]);
    await send(site.api, 'quarrel', 'phone-2', [setCell(1, 3, 0.75)]);
    await live.waitForText('#conflict-count', /^1$/);
    await live.waitForText('#conflicts', /won/);
    const text = await live.page.locator('#conflicts li').innerText();
    t.match(text.replace(/\s+/g, ' '), '0.75 by phone-2 won over 0.25 by phone-1 cell 3,0');
    await live.page.reload();
    await live.waitForText('#conflicts', /0\.75 by phone-2 won over 0\.25 by phone-1/);
  });

  await t.test('a conflict that arrives while earlier ones are read is neither lost nor counted twice', async (t) => {
    for (const isReadFirst of [true, false]) {
      const field = isReadFirst ? 'read-first' : 'stream-first';
      const live = await site.open(t, { field });
      await live.waitUntilLive();
      const gate = new EventEmitter();
      const [requested, delivered] = [once(gate, 'requested'), once(gate, 'delivered')];
      await live.page.route('**/conflicts', async (route) => {
        const early = isReadFirst ? await route.fetch() : undefined;
        gate.emit('requested');
        await delivered;
        await route.fulfill({ response: early ?? (await route.fetch()) });
      });
      const responded = live.page.waitForResponse('**/conflicts');
      await send(site.api, field, 'phone-1', [setCell(1, 3, 0.25)]);
      await requested;
      await send(site.api, field, 'phone-2', [setCell(1, 3, 0.75)]);
      await live.waitForText('#conflict-count', /^1$/);
      gate.emit('delivered');
      await (await responded).finished();
      await live.page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
      t.equal(await live.page.textContent('#conflict-count'), '1', field);
      t.match(await live.page.textContent('#conflicts'), /won/, field);
    }
  });

  await t.test('the timeline shows an earlier version and returns to the current one', async (t) => {
    const field = 'history';
    await send(
      site.api,
      field,
      'phone-1',
      [1, 2, 3].map((counter) => putParticle(counter, `p${counter}`)),
    );
    const live = await site.open(t, { field });
    await live.waitForFigure('particles', '3');
    await waitForTimeline(live);
    const scrubber = live.page.getByRole('slider', { name: 'Show an earlier version' });
    await scrubber.press('ArrowLeft');
    await live.waitForFigure('particles', '2');
    await live.waitForText('#version', /version 2 of 3$/);
    t.ok(await live.page.locator('#tools[inert]').count(), 'an earlier version cannot be edited');
    await live.page.getByRole('button', { name: 'Back to now' }).click();
    await live.waitForFigure('particles', '3');
    t.equal(await live.page.locator('#tools[inert]').count(), 0);
  });
});
