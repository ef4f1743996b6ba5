/** Which jobs a worker commits together. */
import t from 'tap';
import { createFieldStore, type FieldStore } from '../../db/field-store.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { estimateJobBytes } from '../../shared/queue/job-size.ts';
import { startCommitter, usesPreparedStatements } from '../support/committer.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { readCached, readStored } from '../support/read-back.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const [refused, field] = [asField('refused'), asField('field')];
const [alice, bob, mallory] = [asDevice('alice'), asDevice('bob'), asDevice('mallory')];

t.test('a field is in one commit at a time, also while its jobs are committed one by one', async (t) => {
  const backing = await withBacking(t);
  await backing.db.raw(`ALTER TABLE field_updates ADD CONSTRAINT no_mallory CHECK (device_id <> 'mallory')`);
  const stored = createFieldStore(backing.db, { usesPreparedStatements });
  let appends = 0;
  let mostAppends = 0;
  let late: Promise<{ version: number }> | undefined;
  const store: FieldStore = {
    ...stored,
    async append(commits) {
      const isOfField = commits.some(({ state }) => state.field === field);
      if (isOfField) mostAppends = Math.max(mostAppends, ++appends);
      // The job waits in the committer when the batch is split.
      late ??= committer.submit(jobOf(field, bob, [setCell(1, 3, 0.3)]), 4);
      try {
        const result = await stored.append(commits);
        // Holds the answer of the last job of the batch until another commit of the field starts, which must not happen.
        const isLast = commits.some(({ state, entries }) => state.field === field && entries[0]?.update.counter === 2);
        const overtaken = () => appends > 1;
        if (isLast) await waitUntil('overtaken', overtaken, { timeoutMs: 300 }).catch(() => undefined);
        return result;
      } finally {
        if (isOfField) appends -= 1;
      }
    },
  };
  const committer = startCommitter(t, backing, { store });
  const submitted = [
    committer.submit(jobOf(refused, mallory, [setCell(1, 1, 0.1)]), 1),
    committer.submit(jobOf(field, alice, [setCell(1, 1, 0.1)]), 2),
    committer.submit(jobOf(field, alice, [setCell(2, 2, 0.2)]), 3),
  ];
  await t.rejects(Promise.resolve(submitted[0]), { message: /no_mallory/ });
  t.match(await Promise.all(submitted.slice(1)), [{ version: 1 }, { version: 2 }]);
  t.match(await late, { version: 3 });
  t.equal(mostAppends, 1, 'appends to the field at a time');
  t.equal(await readCached(backing, field), await readStored(backing, field), 'the cache has all updates');
  t.same((await verifyField(backing.db, field)).differences, []);
});

t.test('a commit has at most so many bytes, whatever is waiting', async (t) => {
  const backing = await withBacking(t);
  const stored = createFieldStore(backing.db, { usesPreparedStatements });
  const sizes: number[] = [];
  const store: FieldStore = {
    ...stored,
    append(commits) {
      sizes.push(estimateJobBytes({ updates: commits.flatMap(({ entries }) => entries.map(({ update }) => update)) }));
      return stored.append(commits);
    },
  };
  const committer = startCommitter(t, backing, { store });
  const content = 'x'.repeat(2000);
  const job = (id: typeof field, first: number) =>
    jobOf(
      id,
      alice,
      Array.from({ length: 300 }, (_, index) => putParticle(first + index, `particle-${index}`, { content })),
    );
  const jobBytes = estimateJobBytes(job(field, 1));
  // Of one field, and of others.
  const jobs = [1, 301, 601].map((first) => job(field, first));
  const others = ['a', 'b'].map((id) => job(asField(id), 1));
  await Promise.all([...jobs, ...others].map((one, index) => committer.submit(one, index)));
  const limit = 8 * 1024 * 1024;
  t.ok(jobBytes * (jobs.length + others.length) > limit, 'what is waiting is more than that');
  t.ok(Math.max(...sizes) <= limit, `commits of ${sizes} bytes`);
});
