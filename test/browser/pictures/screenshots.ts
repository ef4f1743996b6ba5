/** `npm run screenshots`: creates the images in docs/images from a real stack with the fields and devices of `npm run demo`. */
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import t from 'tap';
import { startDevices } from '../../../dev/demo/devices.ts';
import { earthquakes, fillFields, garden } from '../../../dev/demo/fill-fields.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { draw, isDrawn, waitUntilLive, withCanvas } from '../support/canvas-example.ts';
import { phone, withSite } from '../support/with-page.ts';

const imageOf = (name: string) => fileURLToPath(new URL(`../../../docs/images/${name}.jpg`, import.meta.url));

const variants = [
  ['desktop-dark', { viewport: { width: 1440, height: 900 }, colorScheme: 'dark', deviceScaleFactor: 1.5 }],
  ['desktop-light', { viewport: { width: 1440, height: 900 }, colorScheme: 'light', deviceScaleFactor: 1.5 }],
  ['phone-dark', { viewport: phone, colorScheme: 'dark', deviceScaleFactor: 2, hasTouch: true }],
  ['phone-light', { viewport: phone, colorScheme: 'light', deviceScaleFactor: 2, hasTouch: true }],
] as const;

t.test('screenshots of the fields of the demo', async (t) => {
  const site = await withSite(t);
  await fillFields(site.api.address);
  t.teardown(await startDevices(site.api.address, 12));
  const shoot = async (name: string, field: string, options: (typeof variants)[number][1]) => {
    const live = await site.open(t, { field, ...options });
    await live.waitUntilLive();
    await live.waitForText('#memories', /\S/);
    if (field === garden) await live.waitForText('#conflict-count', /[1-9]/);
    await live.page.locator('#timeline:not([inert])').waitFor();
    await live.page.screenshot({ path: imageOf(name), type: 'jpeg', quality: 86 });
    await live.context.close();
    t.comment(imageOf(name));
  };
  for (const [name, options] of variants) await shoot(name, garden, options);
  await shoot('earthquakes', earthquakes, variants[0][1]);
});

t.test('screenshots of the gallery and of sharing', async (t) => {
  const site = await withSite(t);
  await fillFields(site.api.address);
  const live = await site.open(t, { field: garden, viewport: { width: 1000, height: 640 }, colorScheme: 'dark' });
  await live.waitUntilLive();
  await live.waitForFigure('particles', '64');
  await live.page.locator('#fields').click();
  await live.page.locator('.cards canvas[data-picture=drawn]').nth(1).waitFor();
  await live.page.screenshot({ path: imageOf('gallery'), type: 'jpeg', quality: 86 });
  await live.page.keyboard.press('Escape');
  await live.page.getByRole('button', { name: 'Share' }).click();
  await live.page.getByRole('img', { name: 'QR code of the link' }).waitFor();
  await live.page.screenshot({ path: imageOf('share'), type: 'jpeg', quality: 86 });
});

/** Draws a row of cells, from left to right. */
async function drawRow(page: Page, y: number, from: number, to: number): Promise<void> {
  for (let x = from; x <= to; x += 1) await draw(page, x, y);
}

t.test('screenshots of the example: two pages, one of them offline, and the inspector', async (t) => {
  const open = await withCanvas(t);
  const viewport = { width: 520, height: 660 };
  const [one, two, inspected] = [
    await open('', { viewport }),
    await open('', { viewport }),
    await open('&inspect', { viewport: { ...viewport, width: 1000 } }),
  ];
  const shoot = ({ page }: typeof one, name: string) =>
    page.screenshot({ path: imageOf(name), type: 'jpeg', quality: 86 });
  await drawRow(one.page, 8, 4, 14);
  await waitUntil('the other page shows it', () => isDrawn(two.page, 14, 8));
  two.network.goOffline();
  await drawRow(two.page, 12, 8, 20);
  await two.page.getByRole('status').filter({ hasText: 'offline, 13 waiting' }).waitFor();
  await drawRow(one.page, 16, 4, 10);
  await shoot(one, 'canvas-online');
  await shoot(two, 'canvas-offline');
  two.network.goOnline();
  await waitUntil('what was drawn offline arrives', () => isDrawn(one.page, 20, 12), { timeoutMs: 30_000 });
  await waitUntil('and what the other page has drawn', () => isDrawn(two.page, 10, 16), { timeoutMs: 30_000 });
  await waitUntilLive(two.page);
  await shoot(two, 'canvas-merged');

  await drawRow(inspected.page, 20, 4, 9);
  await inspected.page.getByText('0 pending').waitFor();
  inspected.network.goOffline();
  await drawRow(inspected.page, 22, 4, 6);
  await inspected.page.getByText('3 pending').waitFor();
  await shoot(inspected, 'inspector');
});
