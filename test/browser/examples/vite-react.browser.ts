/** `examples/vite-react` in a browser: two pages draw on one canvas, one of them offline for a while. */
import t from 'tap';
import { waitUntil } from '../../support/wait-until.ts';
import { draw, isDrawn, waitUntilLive, withCanvas } from '../support/canvas-example.ts';

t.test('two pages of the example share a canvas', async (t) => {
  const open = await withCanvas(t);
  const [one, two] = [await open(), await open()];
  await draw(one.page, 3, 4);
  await waitUntil('the other page shows it', () => isDrawn(two.page, 3, 4));

  two.network.goOffline();
  await draw(two.page, 7, 8);
  await draw(two.page, 8, 8);
  t.notOk(await isDrawn(one.page, 8, 8));
  two.network.goOnline();
  await waitUntil('what was drawn offline arrives', () => isDrawn(one.page, 8, 8), { timeoutMs: 30_000 });
  t.ok(await isDrawn(one.page, 7, 8));
  await waitUntilLive(two.page);
  await two.page.reload();
  await waitUntil('a page that is loaded again shows everything', async () => {
    const shown = await Promise.all([isDrawn(two.page, 3, 4), isDrawn(two.page, 7, 8), isDrawn(two.page, 8, 8)]);
    return shown.every(Boolean);
  });
});
