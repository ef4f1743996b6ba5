/** The field states that a worker keeps in memory between commits. */
import t from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { deleteLogThrough } from '../../db/write/log-pruning.ts';
import { archiveSnapshot, writeSnapshots } from '../../db/write/write-snapshots.ts';
import { openCommitter, type TestCommitter } from '../support/committer.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';

t.test('a cached state is reloaded when the log entries that follow it have been pruned', async (t) => {
  const { db } = await withBacking(t);
  const field = asField('returning');
  const commit = async (committer: TestCommitter, device: string) => {
    const updates = [1, 2, 3, 4, 5].map((counter) => setCell(counter, counter, 0.5));
    const jobs = new Map([[field, [jobOf(field, asDevice(device), updates)]]]);
    return (await committer.commit(jobs)).get(field)?.commit.state;
  };
  const [first, second] = [openCommitter(db), openCommitter(db)];
  await commit(first, 'phone-1');
  const state = await commit(second, 'phone-2');
  if (!state) throw new Error('nothing was committed');
  await db.transaction(async (trx) => {
    await writeSnapshots(trx, [state]);
    await archiveSnapshot(trx, state);
    await deleteLogThrough(trx, field, 10);
  });
  t.equal((await commit(first, 'phone-3'))?.version, 15);
  t.same((await verifyField(db, field)).differences, []);
});
