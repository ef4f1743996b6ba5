/** The dialogs of fields and sharing are usable by everybody: with axe, by touch and by keyboard, in both themes. */
import t from 'tap';
import { putParticle } from '../../support/updates.ts';
import { findViolations } from '../support/axe.ts';
import { send } from '../support/send.ts';
import { type LivePage, phone, withSite } from '../support/with-page.ts';

const minTargetPixels = 44;

/** What can be pressed and is smaller than a finger. */
const findSmallTargets = ({ page }: LivePage) =>
  page.evaluate(`[...document.querySelectorAll('dialog[open] :is(button, a, select, input:not([type=radio]), .choice), #fields')]
    .filter((element) => element.checkVisibility({ visibilityProperty: true }))
    .map((element) => ({ name: element.outerHTML.slice(0, 80), box: element.getBoundingClientRect() }))
    .filter(({ box }) => box.width < ${minTargetPixels} || box.height < ${minTargetPixels})
    .map(({ name, box }) => name + ' ' + box.width + ' x ' + box.height)`);

t.test('the dialogs have no violation that axe finds, and targets for fingers', async (t) => {
  const site = await withSite(t);
  await send(site.api, 'garden', 'phone-1', [putParticle(1, 'star', { content: 'A star' })]);
  const variants = [
    ['dark, desktop', { colorScheme: 'dark' }],
    ['light, phone', { colorScheme: 'light', viewport: phone, hasTouch: true }],
  ] as const;
  for (const [name, options] of variants) {
    await t.test(name, async (t) => {
      const live = await site.open(t, { field: 'garden', ...options });
      await live.waitUntilLive();
      const { page } = live;
      await page.locator('#fields').focus();
      await page.keyboard.press('Enter');
      await page.locator('.cards canvas[data-picture=drawn]').waitFor();
      t.same(await findViolations(t, page), []);
      t.same(await findSmallTargets(live), []);
      await page.keyboard.press('Escape');
      t.equal(await page.locator('dialog[open]').count(), 0);
      t.equal(await page.evaluate('document.activeElement.id'), 'fields', 'the focus returns');

      await page.getByRole('button', { name: 'Share' }).click();
      await page.getByRole('radio', { name: /Only watch/ }).check();
      await live.waitForText('.share [role=status]', /can watch until/);
      t.same(await findViolations(t, page), []);
      t.same(await findSmallTargets(live), []);
    });
  }
});
