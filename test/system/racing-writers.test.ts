/** Two devices of a recorded editing session, applied by two worker processes, one of which is killed repeatedly. */
import t from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { type Backing, withBacking } from '../support/processes/with-worker.ts';
import { readCached, readStored, waitForCache, waitForVersion } from '../support/read-back.ts';
import { type DeviceUpdate, readUpdates } from '../support/read-updates.ts';
import { asField, jobOf } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('racing');

/** Last writer wins by (timestamp, device, counter): the expected registers, computed without the merge under test. */
function foldIndependently(updates: readonly DeviceUpdate[]): Map<string, number> {
  const cells = new Map<string, number>();
  const sorted = [...updates].sort(
    (a, b) =>
      a.update.timestamp - b.update.timestamp ||
      (a.device < b.device ? -1 : Number(a.device > b.device)) ||
      a.update.counter - b.update.counter,
  );
  for (const { update } of sorted) {
    if (update.kind === 'cells.set') for (const { x, y, value } of update.cells) cells.set(`${x},${y}`, value);
  }
  return cells;
}

/** Sends one device's updates in order, in jobs of varying size; every seventh job is sent twice. */
async function sendAll({ producer }: Backing, device: DeviceId, updates: readonly Update[]): Promise<void> {
  for (let sent = 0, round = 1; sent < updates.length; round += 1) {
    const job = jobOf(field, device, updates.slice(sent, sent + ((round * 37) % 90) + 1));
    await producer.enqueue(job);
    if (round % 7 === 0) await producer.enqueue(job);
    sent += job.updates.length;
  }
}

t.test('concurrent devices produce the registers of an independent fold although workers are killed', async (t) => {
  const backing = await withBacking(t);
  const { reader, producer, db } = backing;
  // Half of the recording contains both devices. Unit tests fold all of it.
  const updates = (await readUpdates('concurrent-cells.ndjson.gz')).slice(0, 13_000);
  const devices = [...new Set(updates.map(({ device }) => device))];
  t.equal(devices.length, 2);

  let victim = await withProcess(t, 'workers', backing);
  await withProcess(t, 'workers', backing);
  const sending = Promise.all(
    devices.map((device) =>
      sendAll(
        backing,
        device,
        updates.filter((update) => update.device === device).map(({ update }) => update),
      ),
    ),
  );
  for (const version of [1000, 4500, 8000]) {
    await waitForVersion(backing, field, version);
    await victim.forceStop();
    victim = await withProcess(t, 'workers', backing);
  }
  await sending;
  await waitUntil('every update is applied', async () => (await reader.readClock(field))?.version === updates.length, {
    timeoutMs: 60_000,
  });
  await waitUntil('the queue is empty', async () => (await producer.countBacklog()) === 0, { timeoutMs: 60_000 });

  const state = await reader.loadState(field);
  const cells = new Map([...(state?.cells ?? [])].map(([cell, { value }]) => [cell, value]));
  const expected = foldIndependently(updates);
  t.equal(cells.size, expected.size);
  t.same(Object.fromEntries(cells), Object.fromEntries(expected));
  t.same((await verifyField(db, field)).differences, [], 'the log replays to the stored state');
  t.equal(await producer.queues.countJobs('failed'), 0, 'no job failed');
  await waitForCache(backing, field, updates.length);
  t.equal(await readCached(backing, field), await readStored(backing, field), 'cache and database are byte-identical');
});
