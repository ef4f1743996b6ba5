/** The field states that a worker keeps in memory between commits. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { createFieldStore, type FieldStore } from '../../db/field-store.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { deleteLogThrough } from '../../db/write/log-pruning.ts';
import { archiveSnapshot, writeSnapshots } from '../../db/write/write-snapshots.ts';
import { openCommitter, startCommitter, type TestCommitter, usesPreparedStatements } from '../support/committer.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../support/updates.ts';

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
    await deleteLogThrough(trx, field, { logStart: 0, through: 10 });
  });
  t.equal((await commit(first, 'phone-3'))?.version, 15);
  t.same((await verifyField(db, field)).differences, []);
});

t.test('a batch of large fields is read and committed in parts', async (t) => {
  const backing = await withBacking(t);
  const { db } = backing;
  const device = asDevice('phone');
  const ids = [1, 2, 3, 4, 5].map((index) => asField(`large-${index}`));
  // Of text that PostgreSQL cannot compress by much.
  const particles = Array.from({ length: 350 }, (_, index) =>
    putParticle(index + 1, `particle-${index}`, { content: randomBytes(1500).toString('base64') }),
  );
  const filled = await openCommitter(db).commit(
    new Map(ids.map((field) => [field, [jobOf(field, device, particles)]])),
  );
  await writeSnapshots(
    db,
    [...filled.values()].map(({ commit }) => commit.state),
  );

  const loads: number[] = [];
  const stored = createFieldStore(db, { usesPreparedStatements });
  const store: FieldStore = {
    ...stored,
    async load(fields) {
      const loaded = await stored.load(fields);
      loads.push(loaded.size);
      return loaded;
    },
  };
  const reported: string[] = [];
  const committer = startCommitter(t, backing, {
    ...{ store, maxConcurrentCommits: 1 },
    onCommit: ({ applied }) => reported.push(...applied.keys()),
  });
  const results = await Promise.all(
    ids.map((field, index) => committer.submit(jobOf(field, device, [setCell(351, 1, 0.5)]), index)),
  );
  t.same([...new Set(results.map(({ version }) => version))], [351]);
  t.same(reported.sort(), ids);
  t.ok(loads.length > 1 && loads.every((size) => size >= 1 && size < ids.length), `loaded ${loads.join(' + ')} fields`);
  t.equal(
    loads.reduce((sum, size) => sum + size),
    ids.length,
    'each field is read once',
  );
});
