/** A batch that was committed and could not be published: by the next attempt, a failover may have lost the commit. */
import t from 'tap';
import { createFieldStore } from '../../db/field-store.ts';
import { PostgresClock } from '../../db/read/postgres-clock.ts';
import { CommitProgress, commitBatch } from '../../workers/commit/commit-batch.ts';
import { HotFieldCache } from '../../workers/commit/hot-field-cache.ts';
import { usesPreparedStatements } from '../support/committer.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';

const tables = ['field_conflicts', 'field_snapshots', 'vector_clocks', 'field_updates', 'consciousness_states'];

t.test('is committed again if the log does not have it, and only then', async (t) => {
  const { db, reader } = await withBacking(t);
  const deps = {
    store: createFieldStore(db, { usesPreparedStatements }),
    fields: new HotFieldCache(),
    clock: new PostgresClock(),
  };
  for (const isLost of [true, false]) {
    const field = asField(isLost ? 'lost' : 'kept');
    const progress = new CommitProgress(new Map([[field, [jobOf(field, asDevice('ada'), [setCell(1, 2, 0.5)])]]]));
    await commitBatch(deps, progress);
    if (isLost) for (const table of tables) await db(table).where({ field_id: field }).del();
    progress.reopen([...progress.committed.values()]);
    deps.fields.evict([field]);
    await commitBatch(deps, progress);
    t.equal(progress.committed.get(field)?.commit.state.version, 1);
    const page = await reader.readLog(field, 0, 10);
    t.equal(page?.updates.length, 1, `${field}: it is in the log once`);
  }
});
