/**
 * Commits a batch in one transaction: locks the fields, folds in what other workers logged, recognises duplicates, folds
 * new updates, writes. When the outcome of the COMMIT is unknown, calling it again with the same batch is safe.
 */
import type { Knex } from 'knex';
import { findReceipts } from '../../db/read/receipts.ts';
import { appendCommits } from '../../db/write/append-commits.ts';
import { createFields } from '../../db/write/create-fields.ts';
import { lockFields } from '../../db/write/lock-fields.ts';
import { archiveSnapshot, writeSnapshots } from '../../db/write/write-snapshots.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { type AppliedJobs, applyJobs, findPossibleDuplicates } from './apply-updates.ts';
import type { HotField, HotFieldCache } from './hot-field-cache.ts';

export type FieldJobs = ReadonlyMap<FieldId, readonly ApplyUpdates[]>;

export interface CommitOptions {
  /** Versions between archived snapshots. */
  readonly snapshotEvery: number;
}

/**
 * When a commit rewrites the snapshot in a field's row. Rewriting a large field costs more than a hundred commits, so it
 * happens at most once a second, unless the log after the snapshot (the tail) grows long. A short tail is cheaper to fold
 * than to rewrite; maintenance flushes it once the field is idle.
 */
const snapshotIntervalMs = 1000;
const minTailVersions = 16;
const maxTailVersions = 2000;

/** @throws whatever the database throws; the cached copies of the fields are then evicted */
export async function commitBatch(
  db: Knex,
  fields: HotFieldCache,
  batch: FieldJobs,
  options: CommitOptions,
): Promise<ReadonlyMap<FieldId, AppliedJobs>> {
  const ids = [...batch.keys()].sort();
  const uncached = ids.filter((field) => !fields.has(field));
  if (uncached.length > 0) await createFields(db, uncached);
  try {
    // Read committed, the default: a stricter level would read the fields as of before it waited for their locks.
    return await db.transaction((trx) => commitLocked(trx, fields, batch, options));
  } catch (error) {
    fields.evict(ids);
    throw error;
  }
}

async function commitLocked(trx: Knex.Transaction, fields: HotFieldCache, batch: FieldJobs, options: CommitOptions) {
  const hotFields = await fields.catchUp(trx, await lockFields(trx, [...batch.keys()]));
  const jobsOf = ({ state }: HotField) => batch.get(state.field) ?? [];
  const receipts = await findReceipts(
    trx,
    hotFields.flatMap((field) => findPossibleDuplicates(field, jobsOf(field))),
  );
  const now = Date.now();
  const applied = hotFields.map((field) => applyJobs(field, jobsOf(field), receipts, now));
  const commits = applied.map(({ commit }) => commit).filter(({ entries }) => entries.length > 0);
  if (commits.length > 0) await appendCommits(trx, commits);
  await writeDueSnapshots(trx, hotFields, options, now);
  return new Map(applied.map((one) => [one.commit.state.field, one]));
}

async function writeDueSnapshots(
  trx: Knex.Transaction,
  hotFields: readonly HotField[],
  { snapshotEvery }: CommitOptions,
  now: number,
): Promise<void> {
  const due = hotFields.filter(({ state, snapshotVersion, snapshotAt }) => {
    const tailVersions = state.version - snapshotVersion;
    return (
      tailVersions >= maxTailVersions || (tailVersions >= minTailVersions && now - snapshotAt >= snapshotIntervalMs)
    );
  });
  await writeSnapshots(
    trx,
    due.map(({ state }) => state),
  );
  for (const field of due) {
    field.snapshotVersion = field.state.version;
    field.snapshotAt = now;
  }
  for (const field of hotFields.filter(
    ({ state, archivedVersion }) => state.version - archivedVersion >= snapshotEvery,
  )) {
    await archiveSnapshot(trx, field.state);
    field.archivedVersion = field.state.version;
  }
}
