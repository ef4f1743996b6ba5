/** `npm run screenshots`: creates the images in docs/images from a real stack that shows a week of earthquakes. */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { settingsOf, withField } from '../cli/run-field.ts';
import { createCellConflicts, drawAtlas } from './support/atlas.ts';
import { phone, withSite } from './support/with-page.ts';

const field = 'earthquakes';
const quakes = fileURLToPath(new URL('../data/earthquakes.ndjson', import.meta.url));
const imageOf = (name: string) => fileURLToPath(new URL(`../../docs/images/${name}.jpg`, import.meta.url));

const variants = [
  ['desktop-dark', { viewport: { width: 1440, height: 900 }, colorScheme: 'dark', deviceScaleFactor: 1.5 }],
  ['desktop-light', { viewport: { width: 1440, height: 900 }, colorScheme: 'light', deviceScaleFactor: 1.5 }],
  ['phone-dark', { viewport: phone, colorScheme: 'dark', deviceScaleFactor: 2, hasTouch: true }],
  ['phone-light', { viewport: phone, colorScheme: 'light', deviceScaleFactor: 2, hasTouch: true }],
] as const;

t.test('screenshots of the live page', { timeout: 180_000 }, async (t) => {
  const site = await withSite(t);
  const run = await withField(t, settingsOf(site.backing));
  t.equal((await run(['enqueue', quakes, '--field', field])).code, 0);
  const target = { url: site.api.address, field };
  await drawAtlas(target);
  await createCellConflicts(
    target,
    await Promise.all(['amber-phone', 'river-tablet'].map((device) => site.api.createToken({ user: device, device }))),
    [
      { x: 12, y: 6, value: 0.3 },
      { x: 21, y: 16, value: 0.8 },
      { x: 17, y: 11, value: 0.25 },
    ],
  );
  for (const [name, options] of variants) {
    const live = await site.open(t, { field, ...options });
    await live.waitUntilLive();
    await live.waitForText('#memories', /\S/);
    // After 240 frames the transitions of the view, the heat map and the gauges have ended.
    await live.page.locator('#field[data-draws="240"]').waitFor({ timeout: 60_000 });
    await live.page.screenshot({ path: imageOf(name), type: 'jpeg', quality: 86 });
    await live.context.close();
    t.comment(imageOf(name));
  }
});
