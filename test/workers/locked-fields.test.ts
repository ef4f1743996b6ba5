/** The row of a field is locked for long, as by retention: jobs of other fields that are committed with it do not wait. */
import t, { type Test } from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { lockFields } from '../../db/write/lock-fields.ts';
import type { CommitReport } from '../../workers/commit/committer.ts';
import { startCommitter } from '../support/committer.ts';
import { type Backing, withBacking } from '../support/processes/with-worker.ts';
import { readCached, readStored } from '../support/read-back.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const [locked, free] = [asField('locked'), asField('free')];
const alice = asDevice('alice');

function openWriter(t: Test, backing: Backing) {
  const reports: CommitReport[] = [];
  const committer = startCommitter(t, backing, { onCommit: (report) => reports.push(report) });
  let sequence = 0;
  const write = (field: typeof free, counter: number) =>
    committer.submit(jobOf(field, alice, [setCell(counter, counter, 0.5)]), ++sequence);
  return { write, reports };
}

t.test('jobs of other fields in the batch of a locked field are answered, and their next jobs committed', async (t) => {
  const backing = await withBacking(t);
  const { db } = backing;
  const { write, reports } = openWriter(t, backing);
  await Promise.all([write(locked, 1), write(free, 1)]);
  const answered: number[] = [];
  let waiting: Promise<{ version: number }> | undefined;
  await db.transaction(async (trx) => {
    await lockFields(trx, [locked]);
    waiting = write(locked, 2);
    for (const counter of [2, 3]) void write(free, counter).then(({ version }) => answered.push(version));
    await waitUntil('the other field is answered', () => answered.length === 2);
    void write(free, 4).then(({ version }) => answered.push(version));
    await waitUntil('its next job is answered', () => answered.length === 3);
    t.equal(await readCached(backing, free), await readStored(backing, free), 'and published');
  });
  t.equal((await waiting)?.version, 2, 'the locked field is committed once it is free');
  t.equal(reports.flatMap(({ applied }) => [...applied.keys()]).length, 5, 'each commit of a field is reported once');
  for (const field of [locked, free]) t.same((await verifyField(db, field)).differences, []);
});
