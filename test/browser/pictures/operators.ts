/** `npm run screenshots`: the images of the pages for operators, and of a dead letter that is found by its device and retried. */
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import t from 'tap';
import { fillFields, garden } from '../../../dev/demo/fill-fields.ts';
import { withApi } from '../../api/support/with-app.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { launchChromium } from '../support/chromium.ts';
import { openOperatorPage, operatorPassword } from '../support/operator-page.ts';

const take = async (page: Page, name: string) => {
  const path = fileURLToPath(new URL(`../../../docs/images/${name}.jpg`, import.meta.url));
  await page.screenshot({ path, type: 'jpeg', quality: 72 });
  t.comment(path);
};

t.test('screenshots of the pages for operators', async (t) => {
  const own = await launchChromium();
  t.teardown(() => own.close());
  const backing = await withBacking(t, { OPEN_REGISTRATION: 'true' });
  const api = await withApi(t, backing, { OPEN_REGISTRATION: 'true', ADMIN_PASSWORD: operatorPassword });
  await withWorker(t, backing);
  await fillFields(api.address);
  await backing.db.raw(`ALTER TABLE field_updates ADD CONSTRAINT no_phone_7 CHECK (device_id <> 'phone-7')`);
  const jobs = ['phone-7', 'phone-7'].map((device, index) =>
    jobOf(asField(garden), asDevice(device), [setCell(index + 1, 5, 0.5)]),
  );
  for (const job of jobs) await backing.producer.enqueue(job);
  const { first: queue } = backing.producer.queues;
  await waitUntil('both have failed', async () => (await queue.getFailedCount()) === 2, { timeoutMs: 60_000 });

  const page = await openOperatorPage(t, own, api.address, { colorScheme: 'light' });
  await page.getByText('2 jobs could not be applied.').waitFor();
  await take(page, 'admin-overview');

  // The cause is repaired before the dead letters are retried.
  await page.setViewportSize({ width: 1280, height: 720 });
  await page.goto(`${api.address}/admin/dead-letters`);
  await page.getByLabel('Device', { exact: true }).fill('phone-7');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('heading', { name: '2 dead letters' }).waitFor();
  await take(page, 'admin-dead-letters');
  await page.goto(`${api.address}/admin/queues/`);
  await page.getByText('Loading').waitFor({ state: 'hidden' });
  await page.getByRole('link', { name: 'Updates, partition 0' }).first().waitFor();
  await take(page, 'admin-board');
  await backing.db.raw('ALTER TABLE field_updates DROP CONSTRAINT no_phone_7');
  await page.goto(`${api.address}/admin/dead-letters?device=phone-7`);
  await page.getByRole('link', { name: 'Retry these 2…' }).click();
  await page.getByRole('button', { name: 'Retry 2 dead letters' }).click();
  await page.getByText('2 dead letters returned to the queue.').waitFor();
  await waitUntil('none is left', async () => (await queue.getFailedCount()) === 0, { timeoutMs: 60_000 });
  await page.goto(`${api.address}/admin/search?device=phone-7`);
  await page.getByRole('heading', { name: '2 updates' }).waitFor();
  await take(page, 'admin-search');
});
