/** A job that can never be applied must not keep back another one of its field, also when both wait for missing counters. */
import t from 'tap';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

t.test('jobs with gaps in their counters are applied beside one that fails', async (t) => {
  const backing = await withBacking(t);
  await backing.db.raw(`ALTER TABLE field_updates ADD CONSTRAINT no_mallory CHECK (device_id <> 'mallory')`);
  const fields = ['a', 'b', 'c', 'd', 'e', 'f'].map(asField);
  const updates = [setCell(7, 1, 0.5), setCell(8, 2, 0.5)];
  await backing.producer.enqueueAll(
    fields.flatMap((field) => ['phone', 'mallory'].map((device) => jobOf(field, asDevice(device), updates))),
  );
  await withWorker(t, backing);
  for (const field of fields) await waitForVersion(backing, field, 2);
  const countFailed = () => backing.producer.queues.countJobs('failed');
  await waitUntil('the others are dead letters', async () => (await countFailed()) === fields.length);
});
