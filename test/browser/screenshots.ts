/** `npm run screenshots`: the pictures of docs/images, taken of a real stack with a week of earthquakes in it. */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { settingsOf, withField } from '../cli/run-field.ts';
import { createCellConflicts, drawAtlas } from './support/atlas.ts';
import { phone, withSite } from './support/with-page.ts';

const field = 'earthquakes';
const quakes = fileURLToPath(new URL('../data/earthquakes.ndjson', import.meta.url));
const imageOf = (name: string) => fileURLToPath(new URL(`../../docs/images/${name}.jpg`, import.meta.url));

const pictures = [
  ['desktop-dark', { viewport: { width: 1440, height: 900 }, colorScheme: 'dark', deviceScaleFactor: 1.5 }],
  ['desktop-light', { viewport: { width: 1440, height: 900 }, colorScheme: 'light', deviceScaleFactor: 1.5 }],
  ['phone-dark', { viewport: phone, colorScheme: 'dark', deviceScaleFactor: 2, hasTouch: true }],
  ['phone-light', { viewport: phone, colorScheme: 'light', deviceScaleFactor: 2, hasTouch: true }],
] as const;

t.test('the pictures of the live page', { timeout: 180_000 }, async (t) => {
  const site = await withSite(t);
  const run = await withField(t, settingsOf(site.backing));
  t.equal((await run(['enqueue', quakes, '--field', field])).code, 0);
  const where = { url: site.api.address, field };
  await drawAtlas(where);
  await createCellConflicts(
    where,
    ['amber-phone', 'river-tablet'],
    [
      { x: 12, y: 6, value: 0.3 },
      { x: 21, y: 16, value: 0.8 },
      { x: 17, y: 11, value: 0.25 },
    ],
  );
  for (const [name, options] of pictures) {
    const live = await site.open(t, { field, ...options });
    await live.waitUntilLive();
    await live.waitForText('#memories', /\S/);
    // Everything has gone to where it belongs: the view, the heat, the gauges.
    await live.page.waitForTimeout(2500);
    await live.page.screenshot({ path: imageOf(name), type: 'jpeg', quality: 86 });
    await live.context.close();
    t.comment(imageOf(name));
  }
});
