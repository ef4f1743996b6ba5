import { readFile } from 'node:fs/promises';
import type { Download, Page } from 'playwright-core';
import t from 'tap';
import { putParticle, setCell } from '../support/updates.ts';
import { patient, waitUntil } from '../support/wait-until.ts';
import { send } from './support/send.ts';
import { pointAt, withSite } from './support/with-page.ts';

const field = 'earthquakes-space';
/** Particles on the grid, and one far outside of it. */
const updates = [
  putParticle(1, 'near', { position: { x: 15.5, y: 15.5, z: 0 }, content: 'In the middle' }),
  putParticle(2, 'far', { position: { x: -120, y: 40, z: 0 }, content: 'Far away' }),
  setCell(3, 15, 0.9),
];

/** Runs before the page's own code: counts what it draws. */
const countDraws = `
  globalThis.drawn = { images: 0, all: 0 };
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(CanvasRenderingContext2D.prototype))) {
    if (typeof value !== 'function') continue;
    CanvasRenderingContext2D.prototype[name] = function (...args) {
      drawn.all += 1;
      if (name === 'drawImage') drawn.images += 1;
      return value.apply(this, args);
    };
  }
`;
const readDrawn = (page: Page) => page.evaluate('({ ...drawn })') as Promise<{ images: number; all: number }>;
const waitForRest = (page: Page) => page.locator('#field[data-resting="true"]').waitFor({ timeout: patient(60_000) });

t.test('space and time of the live page', async (t) => {
  const site = await withSite(t);
  await send(site.api, field, 'phone-1', updates);

  await t.test(
    'a page that zooms in watches the region that it shows, and all of the field again with the key 0',
    async (t) => {
      const live = await site.open(t, { field, reducedMotion: 'reduce' });
      await live.waitForFigure('particles', '2');
      const regions: string[] = [];
      live.page.on('websocket', (socket) =>
        socket.on('framesent', ({ payload }) => {
          if (String(payload).includes('"region"')) regions.push(String(payload));
        }),
      );
      t.equal(
        await live.page.locator('.minimap').isVisible(),
        false,
        'everything is shown, so that a map says nothing',
      );
      await live.page.locator('#field').focus();
      for (let press = 0; press < 6; press += 1) await live.page.keyboard.press('+');
      await live.page.locator('.minimap').waitFor();
      await live.waitForFigure('particles', '1');
      await live.waitForText('#announcer', /^Zoom 11/);
      await live.page.keyboard.press('d');
      await live.waitForText('#announcer', /near In the middle/);
      await live.page.keyboard.press('0');
      await live.waitForFigure('particles', '2');
      t.equal(await live.page.locator('.minimap').isVisible(), false);
    },
  );

  await t.test('the wheel and buttons zoom, a drag moves the view and changes nothing', async (t) => {
    // The stream is opened again for the whole field, also while it is being opened for a region.
    const expected = /closed before the connection is established/;
    const live = await site.open(t, { field, reducedMotion: 'reduce', expected });
    await live.waitForFigure('particles', '2');
    const { mouse } = live.page;
    const { x, y } = await pointAt(live);
    await mouse.move(x, y);
    await mouse.wheel(0, -800);
    await live.page.locator('.minimap').waitFor();
    await live.page.getByRole('button', { name: 'Show everything' }).click();
    await live.page.locator('.minimap').waitFor({ state: 'hidden' });
    for (let press = 0; press < 4; press += 1) await live.page.getByRole('button', { name: 'Zoom in' }).click();
    await live.page.locator('.minimap').waitFor();
    const before = await live.page.screenshot();
    await mouse.move(x, y);
    await mouse.down();
    await mouse.move(x + 120, y + 60, { steps: 4 });
    await mouse.up();
    t.notOk(before.equals(await live.page.screenshot()), 'the view has moved');
    await live.page.getByRole('button', { name: 'Show everything' }).click();
    await live.waitForFigure('particles', '2');
  });

  await t.test('nothing is drawn while nothing moves, and a frame draws each particle once', async (t) => {
    const live = await site.open(t, { field, reducedMotion: 'reduce' });
    await live.page.addInitScript(countDraws);
    await live.page.reload();
    await live.waitForFigure('particles', '2');
    await waitForRest(live.page);
    const before = await readDrawn(live.page);
    await live.page.evaluate(
      'new Promise((resolve) => { let n = 20; const step = () => (n-- ? requestAnimationFrame(step) : resolve()); step(); })',
    );
    const after = await readDrawn(live.page);
    t.same(after, before, 'no operation in twenty frames at rest');
    await send(site.api, field, 'phone-2', [putParticle(1, 'third', { position: { x: 3, y: 3, z: 0 } })]);
    await live.waitForFigure('particles', '3');
    await waitForRest(live.page);
    const frames = Number(await live.page.locator('#field').getAttribute('data-draws'));
    const { images } = await readDrawn(live.page);
    t.ok(images > after.images, 'a change is drawn');
    t.ok(images <= frames * 4, `${images} images in ${frames} frames`);
  });

  await t.test('the past can be found by time, is framed, and is left with one click', async (t) => {
    const live = await site.open(t, { field });
    await live.waitForFigure('particles', '3');
    await live.page.getByRole('combobox', { name: 'Go back' }).selectOption('10 minutes');
    await live.waitForFigure('particles', '0');
    await live.waitForText('#past', /^You see the past/);
    t.equal(await live.page.locator('body.is-past').count(), 1);
    await live.page.getByRole('button', { name: 'Next event or conflict' }).click();
    await live.page.locator('body:not(.is-past)').waitFor();
    await live.page.getByRole('button', { name: 'Play', exact: true }).click();
    await live.page.locator('body.is-past').waitFor();
    await live.waitForFigure('particles', '3');
    await live.page.locator('body:not(.is-past)').waitFor();
    t.pass('playing ends in the present');
  });

  await t.test('a picture, the state, the log and a film can be saved', async (t) => {
    const live = await site.open(t, { field });
    await live.waitForFigure('particles', '3');
    const save = async (name: string): Promise<Download> => {
      const downloaded = live.page.waitForEvent('download');
      await live.page.getByRole('button', { name: 'Save', exact: true }).click();
      await live.page.getByRole('button', { name }).click();
      if (name.includes('film')) await live.page.getByRole('button', { name: /Stop [1-9]/ }).click();
      return downloaded;
    };
    const contentOf = async (download: Download) => readFile((await download.path()) ?? '');
    const picture = await save('Picture');
    t.match(picture.suggestedFilename(), /^earthquakes-space-\d+\.png$/);
    t.equal((await contentOf(picture)).subarray(1, 4).toString(), 'PNG');
    const state = JSON.parse((await contentOf(await save('State'))).toString());
    t.equal(state.memoryParticles.length, 3);
    const log = (await contentOf(await save('Log'))).toString().trim().split('\n');
    t.same(
      log.map((line) => JSON.parse(line).version),
      log.map((_, index) => index + 1),
    );
    const film = await contentOf(await save('film'));
    t.equal(film.readUInt32BE(0), 0x1a45dfa3, 'a WebM starts with the EBML header');
    await waitUntil('the button saves again', async () => (await live.page.textContent('#save')) === 'Save');
  });
});
