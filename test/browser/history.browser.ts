import t from 'tap';
import { pruneLogs } from '../../workers/maintenance/prune-logs.ts';
import { putParticle } from '../support/updates.ts';
import { send } from './support/send.ts';
import { waitForTimeline, withSite } from './support/with-page.ts';

const field = 'ancient';
const updates = Array.from({ length: 30 }, (_, index) => putParticle(index + 1, `p${index}`));

t.test('a pruned version is reported as unavailable, and the current state stays', async (t) => {
  const site = await withSite(t, { SNAPSHOT_EVERY: '10' });
  await send(site.api, field, 'phone-1', updates);
  const live = await site.open(t, { field, expected: /status of 410/ });
  await live.waitForFigure('particles', '30');
  await waitForTimeline(live);
  const scrubber = live.page.getByRole('slider', { name: 'Show an earlier version' });
  await scrubber.fill('12');
  await live.waitForFigure('particles', '12');
  await live.page.getByRole('button', { name: 'Back to now' }).click();

  await pruneHistory(site.backing);
  await scrubber.fill('5');
  await live.waitForText('#notice', /no longer available/);
  await live.waitForFigure('particles', '30');
  t.equal(await live.page.getByRole('button', { name: 'Live', exact: true }).getAttribute('aria-pressed'), 'true');

  await live.page.reload();
  await live.waitForFigure('particles', '30');
  const oldest = async () => Number(await scrubber.getAttribute('min'));
  await live.page.locator('#scrubber:not([min="0"])').waitFor();
  t.equal(await oldest(), 30, 'the slider starts at the oldest version in the log');
});

/** Moves all timestamps beyond the log's retention and prunes the logs. */
async function pruneHistory(backing: Parameters<typeof pruneLogs>[0]): Promise<void> {
  const ms = 40 * 86_400_000;
  const { db } = backing;
  await db('field_updates').update({ logged_at: db.raw('logged_at - ?', [ms]) });
  await db.raw('UPDATE consciousness_states SET last_update = last_update - ?, snapshot_time = snapshot_time - ?', [
    ms,
    ms,
  ]);
  await db.raw('UPDATE field_snapshots SET time = time - ?', [ms]);
  await pruneLogs(backing);
}
