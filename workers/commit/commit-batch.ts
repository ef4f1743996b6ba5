/**
 * Commits a batch: folds the jobs of each field into its hot copy, and appends to every field that is still at the cursor of
 * its copy. Fields that have moved on are read and tried again; the others are not affected.
 */
import type { FieldCommit, FieldStore } from '../../db/field-store.ts';
import type { PostgresClock } from '../../db/read/postgres-clock.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { cursorOf } from '../../shared/field/state.ts';
import { type AppliedJobs, applyJobs, findPossibleDuplicates, findUnresolvedCursors } from './apply-updates.ts';
import type { HotField, HotFieldCache } from './hot-field-cache.ts';

export type FieldJobs = ReadonlyMap<FieldId, readonly ApplyUpdates[]>;

export interface CommitDeps {
  readonly store: FieldStore;
  readonly fields: HotFieldCache;
  readonly clock: PostgresClock;
}

/** The commits of a batch, kept across attempts, so that a retry continues where the last attempt ended. */
export class CommitProgress {
  readonly jobs: FieldJobs;
  /** Whether jobs may wait for the previous updates of their devices. */
  readonly mayDefer: boolean;
  readonly committed = new Map<FieldId, AppliedJobs>();
  /** Appends whose answer was lost, so that they may have been committed. */
  readonly unanswered = new Map<FieldId, AppliedJobs>();

  constructor(jobs: FieldJobs, { mayDefer = true }: { readonly mayDefer?: boolean } = {}) {
    this.jobs = jobs;
    this.mayDefer = mayDefer;
  }

  /** Call it when the commits could not be published: before the next attempt, a failover may lose them. */
  reopen(applied: Iterable<AppliedJobs>): void {
    for (const one of applied) {
      const { field } = one.commit.state;
      this.committed.delete(field);
      if (one.commit.entries.length > 0) this.unanswered.set(field, one);
    }
  }

  /** The fields that are left to commit. */
  get remaining(): FieldId[] {
    return [...this.jobs.keys()].filter((field) => !this.committed.has(field));
  }
}

/** Further attempts are left to the caller, which retries with backoff. */
const maxAttempts = 5;

/** How often one commit is sent while the field's row is locked. */
const maxSends = 2;

/** A transient error: other transactions changed the fields during every attempt. */
class ContentionError extends Error {
  readonly code = '40001';
  constructor(fields: readonly FieldId[]) {
    super(`${fields.length} fields kept being changed by other transactions`);
  }
}

/**
 * Commits the rest of the batch, or a part of it if its fields do not fit into memory together. After an error, it is safe to
 * call it again with the same progress.
 * @throws ContentionError, or whatever the store throws; the copies of the fields are then evicted
 */
export async function commitBatch(deps: CommitDeps, progress: CommitProgress): Promise<void> {
  try {
    await settleUnanswered(deps.store, progress);
    for (let attempt = 0; progress.remaining.length > 0; attempt++) {
      if (attempt === maxAttempts) throw new ContentionError(progress.remaining);
      const isPart = await commitOnce(deps, progress);
      if (isPart && progress.committed.size > 0) return;
    }
  } catch (error) {
    deps.fields.evict(progress.remaining);
    throw error;
  }
}

/** Marks unanswered appends as committed if the log contains their resulting cursors. */
async function settleUnanswered(store: FieldStore, { committed, unanswered }: CommitProgress): Promise<void> {
  const refs = [...unanswered].map(([field, applied]) => ({ field, cursor: cursorOf(applied.commit.state), applied }));
  for (const { field, applied } of await store.findKnownCursors(refs)) committed.set(field, applied);
  unanswered.clear();
}

/** @returns whether fields were left out because they do not fit into memory together */
async function commitOnce({ store, fields, clock }: CommitDeps, progress: CommitProgress): Promise<boolean> {
  const { committed, unanswered, remaining } = progress;
  if (!clock.isKnown) await clock.observe(async () => ({ now: await store.readTime() }));
  const hotFields = await fields.get(store, remaining);
  const applied = await applyAll(store, hotFields, progress, clock.now());
  // Duplicates append nothing, but their results are read from the copy, so it must not be outdated either.
  const unchanged = applied.filter(({ commit }) => commit.entries.length === 0);
  for (const one of await findUnmoved(store, unchanged)) committed.set(one.commit.state.field, one);
  let pending = applied.filter(({ commit }) => commit.entries.length > 0);
  for (const one of pending) unanswered.set(one.commit.state.field, one);
  for (let sends = 0; pending.length > 0 && sends < maxSends; sends++) {
    const { appended, now } = await clock.observe(() => store.append(pending.map(({ commit }) => commit)));
    for (const one of pending) {
      const { field } = one.commit.state;
      if (appended.has(field)) committed.set(field, one);
    }
    const refused = pending.filter(({ commit }) => !appended.has(commit.state.field) && commit.state.time <= now);
    // A field whose row was only locked has not moved on, so the same commit is sent again.
    pending = await findUnmoved(store, refused);
  }
  unanswered.clear();
  fields.evict(progress.remaining);
  return hotFields.length < remaining.length;
}

async function applyAll(
  store: FieldStore,
  hotFields: readonly HotField[],
  { jobs: batch, mayDefer }: CommitProgress,
  now: number,
): Promise<AppliedJobs[]> {
  const jobsOf = ({ state }: HotField) => batch.get(state.field) ?? [];
  const receipts = await store.findReceipts(hotFields.flatMap((field) => findPossibleDuplicates(field, jobsOf(field))));
  const known = await store.findKnownCursors(hotFields.flatMap((field) => findUnresolvedCursors(field, jobsOf(field))));
  return hotFields.map((hotField) => {
    const { field } = hotField.state;
    const prior = {
      receipts: receipts.filter((receipt) => receipt.field === field),
      knownCursors: new Set([...known].filter((ref) => ref.field === field).map(({ cursor }) => cursor)),
    };
    return applyJobs(hotField, jobsOf(hotField), { ...prior, now, mayDefer });
  });
}

/** The commits whose fields are still at the expected states. */
async function findUnmoved(store: FieldStore, pending: readonly AppliedJobs[]): Promise<AppliedJobs[]> {
  if (pending.length === 0) return [];
  const positions = await store.readPositions(pending.map(({ commit }) => commit.state.field));
  return pending.filter(({ commit }) => {
    const position = positions.get(commit.state.field);
    return position !== undefined && isSamePosition(position, commit.expected);
  });
}

function isSamePosition(a: FieldCommit['expected'], b: FieldCommit['expected']): boolean {
  return a.version === b.version && a.hash === b.hash && a.sweptThrough === b.sweptThrough;
}
