/** The pages for operators in a real browser: readable by everybody, live, and able to return a dead letter without scripts. */
import t from 'tap';
import { withApi } from '../../api/support/with-app.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitForVersion } from '../../support/read-back.ts';
import { asDevice, asField, jobOf, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { findViolations } from '../support/axe.ts';
import { launchChromium } from '../support/chromium.ts';
import { openOperatorPage, operatorPassword } from '../support/operator-page.ts';
import { send } from '../support/send.ts';
import { phone } from '../support/with-page.ts';

t.test('the pages for operators', async (t) => {
  const own = await launchChromium();
  t.teardown(() => own.close());
  const backing = await withBacking(t);
  const api = await withApi(t, backing, { ADMIN_PASSWORD: operatorPassword });
  await withWorker(t, backing);
  await send(api, 'garden', 'phone-1', [setCell(1, 0, 0.2)]);
  await send(api, 'garden', 'phone-2', [setCell(1, 0, 0.9)]);
  await backing.db.raw(`ALTER TABLE field_updates ADD CONSTRAINT no_mallory CHECK (device_id <> 'mallory')`);
  const fields = ['garden', 'meadow'].map(asField);
  await backing.producer.enqueueAll(fields.map((field) => jobOf(field, asDevice('mallory'), [setCell(1, 5, 0.5)])));
  const { first: queue } = backing.producer.queues;
  await waitUntil('both have failed', async () => (await queue.getFailedCount()) === 2);

  const variants = [
    ['dark, desktop', { colorScheme: 'dark' }],
    ['light, desktop', { colorScheme: 'light' }],
    ['dark, phone', { colorScheme: 'dark', viewport: phone, hasTouch: true }],
    ['light, phone', { colorScheme: 'light', viewport: phone, hasTouch: true }],
  ] as const;
  const paths = ['/', '/search?device=phone-1', '/dead-letters', '/dead-letters/discard', '/audit'];
  for (const [name, options] of variants) {
    await t.test(`axe finds no violation: ${name}`, async (t) => {
      const page = await openOperatorPage(t, own, api.address, options);
      for (const path of paths) {
        await page.goto(`${api.address}/admin${path}`);
        t.same(await findViolations(t, page), [], path);
        if (process.env.TEST_PICTURES) {
          const file = `${process.env.TEST_PICTURES}/operators ${name} ${path.replace(/[^a-z]+/g, ' ')}.png`;
          await page.screenshot({ path: file, fullPage: true });
        }
        const width = (await page.evaluate('document.documentElement.scrollWidth')) as number;
        t.ok(width <= (page.viewportSize()?.width ?? 0), `${path} does not scroll sideways`);
      }
    });
  }

  await t.test('a dead letter is found by its device and returned, without scripts', async (t) => {
    await backing.db.raw('ALTER TABLE field_updates DROP CONSTRAINT no_mallory');
    const page = await openOperatorPage(t, own, api.address, { javaScriptEnabled: false });
    await page.getByRole('link', { name: 'Dead letters', exact: true }).click();
    await page.getByLabel('Device', { exact: true }).fill('mallory');
    await page.getByLabel('Field', { exact: true }).fill('garden');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('heading', { name: '1 dead letter' }).waitFor();
    await page.getByRole('link', { name: 'Retry it…' }).click();
    await page.getByText('Return 1 dead letter to the queue?').waitFor();
    await page.getByRole('button', { name: 'Retry 1 dead letter' }).click();
    await page.getByText('1 dead letter returned to the queue.').waitFor();
    await waitForVersion(backing, asField('garden'), 3);
    t.equal(await queue.getFailedCount(), 1, 'the other one stays');
  });

  await t.test('the overview refreshes itself, and keeps what is typed and scrolled', async (t) => {
    const page = await openOperatorPage(t, own, api.address, { viewport: { width: 1280, height: 500 } });
    await page.getByLabel('Find the updates of a device').fill('phone-');
    await page.evaluate('scrollTo(0, 150)');
    await send(api, 'brand-new', 'phone-3', [setCell(1, 0, 0.2)]);
    await page.getByRole('link', { name: 'brand-new' }).first().waitFor();
    t.equal(await page.getByLabel('Find the updates of a device').inputValue(), 'phone-');
    t.equal(await page.evaluate('scrollY'), 150);
    t.equal(await page.evaluate('performance.getEntriesByType("navigation").length'), 1);
    await page.getByLabel('Find the updates of a device').fill('phone-3');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: '1 update' }).waitFor();
  });
});
