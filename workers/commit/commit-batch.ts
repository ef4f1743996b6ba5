/**
 * One transaction: lock the fields, fold in what others logged, drop what was applied before, fold what is new, write.
 * Either all of it is committed or none; whoever calls it again finds out which.
 */
import type { Knex } from 'knex';
import { findReceipts } from '../../db/read/receipts.ts';
import {
  archiveSnapshot,
  createFields,
  lockFields,
  writeCommits,
  writeSnapshots,
} from '../../db/write/field-writer.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { type AppliedJobs, applyJobs, findPossibleDuplicates } from './apply-updates.ts';
import type { HotField, HotFieldCache } from './hot-field-cache.ts';

export type FieldJobs = ReadonlyMap<FieldId, readonly ApplyUpdates[]>;

export interface CommitOptions {
  /** Versions between the snapshots that are kept for good. */
  readonly snapshotEvery: number;
}

/**
 * Rewriting a large field costs more than a hundred commits: at most once a second, unless the tail grows long. And what
 * a short tail would spare its reader is not worth rewriting even a small field: upkeep does so when it falls quiet.
 */
const snapshotIntervalMs = 1000;
const minTailVersions = 16;
const maxTailVersions = 2000;

/** @throws whatever the database throws; the copies in memory are then forgotten. */
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
    // Read committed, the default: a stricter level would see the fields as they were before it waited for their locks.
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
  if (commits.length > 0) await writeCommits(trx, commits);
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
