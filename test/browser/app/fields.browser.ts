/** The gallery of fields: what it lists and pictures, and how one opens, makes and pins a field. */
import t from 'tap';
import { putParticle, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { send } from '../support/send.ts';
import { type LivePage, withSite } from '../support/with-page.ts';

const namesOf = ({ page }: LivePage) => page.locator('.cards li:visible b').allTextContents();

async function openGallery(live: LivePage): Promise<void> {
  await live.waitUntilLive();
  await live.page.locator('#fields').click();
  await live.page.getByRole('dialog', { name: 'Fields' }).waitFor();
}

const countOpaque = new Function(
  'canvas',
  `const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
   return data.filter((value, index) => index % 4 === 3 && value > 0).length;`,
) as (canvas: unknown) => number;

/** How many pixels of a picture are not empty. */
const countPixels = ({ page }: LivePage, field: string) =>
  page.locator('.cards li', { hasText: field }).locator('canvas').evaluate(countOpaque);

t.test('fields', async (t) => {
  const site = await withSite(t);
  for (const field of ['atlas', 'meadow', 'pond'])
    await send(site.api, field, 'phone-1', [putParticle(1, 'star', { resonance: 0.9 }), setCell(2, 3, 0.8)]);
  const texts = Array.from({ length: 100 }, (_, index) =>
    putParticle(index + 1, `p${index}`, { content: '€'.repeat(2000) }),
  );
  await send(site.api, 'large', 'phone-1', texts);

  await t.test('it pictures the fields that the token may read, and follows their changes', async (t) => {
    // The test itself reads the pictures' pixels.
    const live = await site.open(t, { field: 'meadow', expected: /willReadFrequently/ });
    const states: string[] = [];
    live.page.on('request', (request) => states.push(new URL(request.url()).pathname));
    await openGallery(live);
    await waitUntil('all are listed', async () => (await namesOf(live)).join() === 'atlas,large,meadow,pond');
    // Counts are those of a snapshot, which is written some seconds later.
    await live.waitForText('.cards [aria-current=page]', /meadow.*1 particle · 1 device/);
    await waitUntil('a picture is drawn', async () => (await countPixels(live, 'pond')) > 20);
    await live.page.locator('.cards li', { hasText: 'large' }).locator('canvas[data-picture=none]').waitFor();
    const before = await countPixels(live, 'pond');
    const read = states.filter((path) => path === '/api/fields/atlas').length;
    await send(site.api, 'pond', 'phone-1', [setCell(3, 9, 1), setCell(4, 15, 1), setCell(5, 21, 1)]);
    await waitUntil('the picture follows', async () => (await countPixels(live, 'pond')) > before, {
      timeoutMs: 30_000,
    });
    t.equal(
      states.filter((path) => path === '/api/fields/atlas').length,
      read,
      'what did not change is not read again',
    );
  });

  await t.test('a field is found, pinned, opened and made with the keyboard alone', async (t) => {
    const live = await site.open(t, { field: 'atlas' });
    await openGallery(live);
    await waitUntil('all are listed', async () => (await namesOf(live)).length === 4);
    await live.page.getByRole('button', { name: 'Pin pond' }).focus();
    await live.page.keyboard.press('Enter');
    t.same((await namesOf(live))[0], 'pond', 'pinned fields come first');
    await live.page.reload();
    await openGallery(live);
    await waitUntil('the pin is kept', async () => (await namesOf(live))[0] === 'pond');

    await live.page.getByRole('searchbox').fill('mea');
    await waitUntil('the list is filtered', async () => (await namesOf(live)).join() === 'meadow');
    await live.page.getByRole('searchbox').fill('../nowhere');
    await live.page.keyboard.press('Enter');
    t.match(live.page.url(), /field=atlas/, 'a name that no field can have is refused');
    await live.page.getByRole('searchbox').fill('My new field');
    await live.page.getByRole('button', { name: 'Make' }).waitFor();
    await live.page.keyboard.press('Enter');
    await live.page.waitForURL(/field=my-new-field/);
    await live.waitUntilLive();
    await live.waitForText('#name', /^my-new-field$/);
  });
});
