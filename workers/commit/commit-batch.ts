/**
 * One transaction: lock the fields, fold in what others logged, drop what was applied before, fold what is new, write.
 * Either all of it is committed or none; whoever calls it again finds out which.
 */
import type { Knex } from 'knex';
import { findReceipts } from '../../db/read/receipts.ts';
import { createFields, keepSnapshot, lockFields, writeCommits, writeSnapshots } from '../../db/write/field-writer.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { type AppliedJobs, applyJobs, findSuspects } from './apply-updates.ts';
import type { LiveField, LiveFields } from './hot-field-cache.ts';

export type FieldJobs = ReadonlyMap<FieldId, readonly ApplyUpdates[]>;

export interface CommitSettings {
  /** Versions between the snapshots that are kept for good. */
  readonly snapshotEvery: number;
}

/**
 * Rewriting a large field costs more than a hundred commits: at most once a second, unless the tail grows long. And what
 * a short tail would spare its reader is not worth rewriting even a small field: upkeep does so when it falls quiet.
 */
const snapshotIntervalMs = 1000;
const minTail = 16;
const maxTail = 2000;

/** @throws whatever the database throws; the copies in memory are then forgotten. */
export async function commitBatch(
  db: Knex,
  fields: LiveFields,
  batch: FieldJobs,
  settings: CommitSettings,
): Promise<ReadonlyMap<FieldId, AppliedJobs>> {
  const ids = [...batch.keys()].sort();
  const unknown = ids.filter((field) => !fields.has(field));
  if (unknown.length > 0) await createFields(db, unknown);
  try {
    // Read committed, the default: a stricter level would see the fields as they were before it waited for their locks.
    return await db.transaction((trx) => commitLocked(trx, fields, batch, settings));
  } catch (error) {
    fields.forget(ids);
    throw error;
  }
}

async function commitLocked(trx: Knex.Transaction, fields: LiveFields, batch: FieldJobs, settings: CommitSettings) {
  const live = await fields.catchUp(trx, await lockFields(trx, [...batch.keys()]));
  const jobsOf = ({ state }: LiveField) => batch.get(state.field) ?? [];
  const found = await findReceipts(
    trx,
    live.flatMap((field) => findSuspects(field, jobsOf(field))),
  );
  const now = Date.now();
  const applied = live.map((field) => applyJobs(field, jobsOf(field), found, now));
  const commits = applied.map(({ commit }) => commit).filter(({ entries }) => entries.length > 0);
  if (commits.length > 0) await writeCommits(trx, commits);
  await writeDueSnapshots(trx, live, settings, now);
  return new Map(applied.map((one) => [one.commit.state.field, one]));
}

async function writeDueSnapshots(
  trx: Knex.Transaction,
  live: readonly LiveField[],
  { snapshotEvery }: CommitSettings,
  now: number,
): Promise<void> {
  const due = live.filter(({ state, snapshotVersion, snapshotAt }) => {
    const tail = state.version - snapshotVersion;
    return tail >= maxTail || (tail >= minTail && now - snapshotAt >= snapshotIntervalMs);
  });
  await writeSnapshots(
    trx,
    due.map(({ state }) => state),
  );
  for (const field of due) {
    field.snapshotVersion = field.state.version;
    field.snapshotAt = now;
  }
  for (const field of live.filter(({ state, keptVersion }) => state.version - keptVersion >= snapshotEvery)) {
    await keepSnapshot(trx, field.state);
    field.keptVersion = field.state.version;
  }
}
