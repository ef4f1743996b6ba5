import t from 'tap';
import { putParticle, setCell } from '../support/updates.ts';
import { findViolations } from './support/axe.ts';
import { send } from './support/send.ts';
import { phone, withSite } from './support/with-page.ts';

t.test('axe finds no violation', async (t) => {
  const site = await withSite(t);
  const field = 'readable';
  await send(site.api, field, 'phone-1', [putParticle(1, 'p1', { content: 'A memory' }), setCell(2, 1, 0.2)]);
  await send(site.api, field, 'phone-2', [putParticle(1, 'p2', { content: 'Another' }), setCell(2, 1, 0.9)]);

  const variants = [
    ['dark, desktop', { colorScheme: 'dark' }],
    ['light, desktop', { colorScheme: 'light' }],
    ['dark, phone', { colorScheme: 'dark', viewport: phone, hasTouch: true }],
    ['light, phone, without motion', { colorScheme: 'light', viewport: phone, reducedMotion: 'reduce' }],
  ] as const;
  for (const [name, options] of variants) {
    await t.test(name, async (t) => {
      const live = await site.open(t, { field, ...options });
      await live.waitUntilLive();
      await live.waitForText('#conflict-count', /^1$/);
      t.same(await findViolations(t, live.page), []);
      if (!name.includes('phone')) return;
      await live.page.getByRole('button', { name: 'Readings' }).click();
      await live.page.locator('#readings.open').waitFor();
      t.same(await findViolations(t, live.page), [], 'also with the readings open');
    });
  }
});
