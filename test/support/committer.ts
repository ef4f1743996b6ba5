/** The commit path of one worker without its queue, for tests that decide what is committed when. */
import type { Knex } from 'knex';
import type { Test } from 'tap';
import { createFieldStore, type FieldStore } from '../../db/field-store.ts';
import { PostgresClock } from '../../db/read/postgres-clock.ts';
import { createRetry } from '../../db/transient-errors.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { AppliedJobs } from '../../workers/commit/apply-updates.ts';
import { CommitProgress, commitBatch } from '../../workers/commit/commit-batch.ts';
import { Committer, type CommitterDeps } from '../../workers/commit/committer.ts';
import { writeDueSnapshots } from '../../workers/commit/due-snapshots.ts';
import { HotFieldCache } from '../../workers/commit/hot-field-cache.ts';
import type { Backing } from './processes/with-worker.ts';

/** As workers do: a pooler may run each statement on another connection. */
export const usesPreparedStatements = !process.env.TEST_PGBOUNCER;

export interface TestCommitter {
  readonly store: FieldStore;
  /** Commits the jobs, and then writes the snapshots that are due. */
  commit(jobs: ReadonlyMap<FieldId, readonly ApplyUpdates[]>): Promise<ReadonlyMap<FieldId, AppliedJobs>>;
}

interface CommitterOptions {
  readonly snapshotEvery?: number;
  readonly clock?: PostgresClock;
  readonly store?: FieldStore;
  /** The clock of snapshots, in ms. */
  readonly readMonotonic?: () => number;
}

/** Each committer has copies of the fields of its own, as each worker has. */
export function openCommitter(
  db: Knex,
  {
    snapshotEvery = 5000,
    clock = new PostgresClock(),
    store = createFieldStore(db, { usesPreparedStatements }),
    readMonotonic = () => performance.now(),
  }: CommitterOptions = {},
): TestCommitter {
  const fields = new HotFieldCache();
  return {
    store,
    async commit(jobs) {
      const progress = new CommitProgress(jobs);
      while (progress.remaining.length > 0) await commitBatch({ store, fields, clock }, progress);
      await writeDueSnapshots(store, fields.peek([...jobs.keys()]), { snapshotEvery }, readMonotonic());
      return progress.committed;
    },
  };
}

/** The group commit of a worker, which retries until the test ends. */
export function startCommitter(
  t: Test,
  { db, cache, log }: Backing,
  overrides: Partial<Pick<CommitterDeps, 'store' | 'cache' | 'maxConcurrentCommits' | 'onCommit'>> = {},
): Committer {
  const stopping = new AbortController();
  t.teardown(() => stopping.abort());
  return new Committer({
    ...{ store: createFieldStore(db, { usesPreparedStatements }), cache, log, maxConcurrentCommits: 4 },
    retry: createRetry({ signal: stopping.signal, onRetry: () => {} }),
    snapshotOptions: { snapshotEvery: 5000 },
    onCommit: () => {},
    ...overrides,
  });
}
