/**
 * Group commit: jobs that arrive while commits are running are committed together next. There is no timer; a batch is
 * whatever has arrived. Several batches are committed concurrently, but a field is in at most one of them at a time.
 */
import type { FieldStore } from '../../db/field-store.ts';
import { PostgresClock } from '../../db/read/postgres-clock.ts';
import { isTransient } from '../../db/transient-errors.ts';
import type { FieldCache } from '../../shared/cache/field-cache.ts';
import type { ApplyUpdates, ApplyUpdatesResult } from '../../shared/contract/job.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { cursorOf } from '../../shared/field/state.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { Retry } from '../../shared/process/retry.ts';
import { estimateJobBytes } from '../../shared/queue/job-size.ts';
import type { AppliedJobs } from './apply-updates.ts';
import { type CommitDeps, CommitProgress, commitBatch, type FieldJobs } from './commit-batch.ts';
import type { CommitTrace } from './commit-trace.ts';
import { type SnapshotOptions, writeDueSnapshots } from './due-snapshots.ts';
import { HotFieldCache } from './hot-field-cache.ts';
import { publishBatch } from './publish.ts';
import { deferMs } from './reorder-window.ts';

const maxBatchUpdates = 2000;
const maxBatchFields = 200;
/** Estimated bytes: a statement that takes longer than its timeout would be repeated in vain. */
const maxBatchBytes = 8 * 1024 * 1024;

interface PendingJob {
  readonly job: ApplyUpdates;
  /** Its position in the queue. */
  readonly sequence: number;
  readonly resolve: (result: ApplyUpdatesResult) => void;
  readonly reject: (error: unknown) => void;
}

type Batch = Map<FieldId, PendingJob[]>;

/** How much may still be added to a batch. */
interface Room {
  updates: number;
  bytes: number;
}

/** The fields of a batch that were committed and published together. */
export interface CommitReport {
  readonly jobs: FieldJobs;
  readonly applied: ReadonlyMap<FieldId, AppliedJobs>;
  /** The fields that could not be published. */
  readonly unpublished: ReadonlySet<FieldId>;
  readonly commitMs: number;
  readonly publishMs: number;
}

export interface CommitterDeps {
  readonly store: FieldStore;
  readonly cache: FieldCache;
  readonly log: Logger;
  /** Retries transient errors. */
  readonly retry: Retry;
  /** How many commits may run at once. */
  readonly maxConcurrentCommits: number;
  readonly snapshotOptions: SnapshotOptions;
  readonly trace?: CommitTrace | undefined;
  /** Called for every commit, before its jobs resolve. Must not throw. */
  readonly onCommit: (report: CommitReport) => void;
}

export class Committer {
  readonly #deps: CommitterDeps;
  readonly #commit: CommitDeps;
  readonly #pending: Batch = new Map();
  readonly #deferred: Batch = new Map();
  readonly #busyFields = new Set<FieldId>();
  #runningCommits = 0;
  #isScheduled = false;

  constructor(deps: CommitterDeps) {
    this.#deps = deps;
    this.#commit = { store: deps.store, fields: new HotFieldCache(), clock: new PostgresClock() };
  }

  /** Estimated bytes of the copies of fields in memory. */
  get hotFieldBytes(): number {
    return this.#commit.fields.bytes;
  }

  /**
   * Resolves when the job's updates are committed and published.
   * @param sequence the job's position in the queue: pending jobs of a field are applied in this order
   * @throws when the job itself can never be applied, or when the committer is being stopped during an outage
   */
  submit(job: ApplyUpdates, sequence: number): Promise<ApplyUpdatesResult> {
    return new Promise((resolve, reject) => {
      this.#enqueue({ job, sequence, resolve, reject });
    });
  }

  /** Deferred jobs of the field are enqueued with it, since it may be the one that they wait for. */
  #enqueue(pendingJob: PendingJob): void {
    const { field } = pendingJob.job;
    const pendingJobs = this.#pending.get(field) ?? [];
    for (const next of [...(this.#deferred.get(field) ?? []), pendingJob]) insertInOrder(pendingJobs, next);
    this.#deferred.delete(field);
    this.#pending.set(field, pendingJobs);
    this.#schedule();
  }

  /** Defers a job until another one of its field arrives, but at most for `deferMs`: the missing update may be at another worker. */
  #defer(pendingJob: PendingJob): void {
    const { field } = pendingJob.job;
    const deferred = this.#deferred.get(field);
    if (deferred) return void deferred.push(pendingJob);
    const deferredJobs = [pendingJob];
    this.#deferred.set(field, deferredJobs);
    setTimeout(() => {
      if (this.#deferred.get(field) !== deferredJobs) return;
      const [next, ...rest] = deferredJobs;
      this.#deferred.set(field, rest);
      if (next) this.#enqueue(next);
    }, deferMs);
  }

  /** Starts commits on the next tick, so that all jobs of this one are in the batch. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#startCommits();
    });
  }

  #startCommits(): void {
    while (this.#runningCommits < this.#deps.maxConcurrentCommits) {
      const batch = this.#dequeueBatch();
      if (batch.size === 0) return;
      this.#runningCommits += 1;
      for (const field of batch.keys()) this.#busyFields.add(field);
      void this.#process(batch).finally(() => {
        this.#runningCommits -= 1;
        this.#release([...batch.keys()]);
      });
    }
  }

  #release(fields: readonly FieldId[]): void {
    for (const field of fields) this.#busyFields.delete(field);
    this.#schedule();
  }

  /** The pending jobs of fields that are in no running commit, oldest field first. */
  #dequeueBatch(): Batch {
    const batch: Batch = new Map();
    const room: Room = { updates: maxBatchUpdates, bytes: maxBatchBytes };
    for (const [field, pendingJobs] of this.#pending) {
      if (this.#busyFields.has(field)) continue;
      if (batch.size === maxBatchFields) break;
      const batchJobs = dequeueInto(room, pendingJobs, { mayExceed: batch.size === 0 });
      if (batchJobs.length === 0) break;
      batch.set(field, batchJobs);
      if (pendingJobs.length === 0) this.#pending.delete(field);
    }
    return batch;
  }

  /**
   * Commits a batch, resolves its jobs, and releases each field when it is committed. If the rest fails permanently, its jobs are
   * committed one by one.
   */
  async #process(batch: Batch): Promise<void> {
    try {
      while (batch.size > 0) {
        const progress = new CommitProgress(listJobs(batch));
        await this.#deps.retry(() => this.#commitAndAnswer(batch, progress, (fields) => this.#release(fields)));
      }
    } catch (error) {
      const jobs = [...batch.values()].flat();
      if (isTransient(error) || jobs.length === 1) return rejectAll(jobs, error);
      this.#deps.log.warn({ err: error, jobs: jobs.length }, 'batch commit failed; retrying its jobs individually');
      for (const [field, pendingJobs] of batch) {
        for (const pendingJob of pendingJobs) await this.#processAlone(field, pendingJob);
        batch.delete(field);
        this.#release([field]);
      }
    }
  }

  /**
   * Commits a job of a field that stays busy, because more of its jobs may follow. The job is not deferred: deferred jobs would be
   * batched with others and fail again.
   */
  async #processAlone(field: FieldId, pendingJob: PendingJob): Promise<void> {
    const batch: Batch = new Map([[field, [pendingJob]]]);
    const progress = new CommitProgress(listJobs(batch), { mayDefer: false });
    await this.#deps
      .retry(() => this.#commitAndAnswer(batch, progress, () => {}))
      .catch((error) => rejectAll([pendingJob], error));
  }

  /**
   * Commits what is left of the batch and removes it. Fields that were committed do not wait for the others.
   * @param onDone called with the fields that were committed, when their next jobs may be committed
   */
  async #commitAndAnswer(
    batch: Batch,
    progress: CommitProgress,
    onDone: (fields: readonly FieldId[]) => void,
  ): Promise<void> {
    const startedAt = performance.now();
    let failure: unknown;
    try {
      await this.#traced('commit', progress.jobs, () => commitBatch(this.#commit, progress));
    } catch (error) {
      failure = error;
    }
    const committedAt = performance.now();
    const applied = new Map([...progress.committed].filter(([field]) => batch.has(field)));
    const jobs = new Map([...progress.jobs].filter(([field]) => applied.has(field)));
    const unpublished = await this.#traced('publish', jobs, () => this.#publish(jobs, applied)).catch((error) => {
      progress.reopen(applied.values());
      this.#commit.fields.evict([...applied.keys()]);
      throw error;
    });
    const times = { commitMs: committedAt - startedAt, publishMs: performance.now() - committedAt };
    if (applied.size > 0) this.#deps.onCommit({ jobs, applied, unpublished, ...times });
    for (const [field, one] of applied) this.#resolve(batch.get(field) ?? [], one);
    await this.#writeSnapshots([...applied.keys()]);
    for (const field of applied.keys()) batch.delete(field);
    onDone([...applied.keys()]);
    if (failure !== undefined) throw failure;
  }

  #traced<T>(step: 'commit' | 'publish', jobs: FieldJobs, work: () => Promise<T>): Promise<T> {
    const { trace } = this.#deps;
    return trace ? trace.run(step, [...jobs.values()].flat(), work) : work();
  }

  #publish(jobs: FieldJobs, applied: ReadonlyMap<FieldId, AppliedJobs>): Promise<ReadonlySet<FieldId>> {
    const { store, cache, log, trace } = this.#deps;
    const listTraceparents = trace && ((field: FieldId) => trace.listTraceparents(jobs.get(field) ?? []));
    return publishBatch({ store, cache, log, listTraceparents }, applied.values());
  }

  /** Resolves the jobs with their results, and defers those that have none yet. */
  #resolve(pendingJobs: readonly PendingJob[], { commit, results }: AppliedJobs): void {
    const { field, version } = commit.state;
    for (const [index, pendingJob] of pendingJobs.entries()) {
      const jobResults = results[index];
      if (jobResults) pendingJob.resolve({ field, version, cursor: cursorOf(commit.state), results: jobResults });
      else this.#defer(pendingJob);
    }
  }

  /** Runs after the jobs have been answered and before the next commit of these fields. A failure only makes reads slower. */
  async #writeSnapshots(fields: readonly FieldId[]): Promise<void> {
    const { store, snapshotOptions, log } = this.#deps;
    try {
      await writeDueSnapshots(store, this.#commit.fields.peek(fields), snapshotOptions, performance.now());
    } catch (err) {
      log.warn({ err, fields: fields.length }, 'snapshots could not be written');
    }
  }
}

/** Jobs arrive almost in order, so the search from the end is short. */
function insertInOrder(pendingJobs: PendingJob[], pendingJob: PendingJob): void {
  const precedingIndex = pendingJobs.findLastIndex(({ sequence }) => sequence <= pendingJob.sequence);
  pendingJobs.splice(precedingIndex + 1, 0, pendingJob);
}

/** Removes the first jobs that there is room for. If `mayExceed`, the first one in any case. */
function dequeueInto(
  room: Room,
  pendingJobs: PendingJob[],
  { mayExceed }: { readonly mayExceed: boolean },
): PendingJob[] {
  let count = 0;
  for (const { job } of pendingJobs) {
    const bytes = estimateJobBytes(job);
    const fits = job.updates.length <= room.updates && bytes <= room.bytes;
    if (!fits && !(mayExceed && count === 0)) break;
    count += 1;
    room.updates -= job.updates.length;
    room.bytes -= bytes;
  }
  return pendingJobs.splice(0, count);
}

function listJobs(batch: Batch): FieldJobs {
  return new Map([...batch].map(([field, pendingJobs]) => [field, pendingJobs.map(({ job }) => job)]));
}

/** After a transient error, the queue redelivers the jobs. Those that were committed but not published are then published as duplicates. */
function rejectAll(pendingJobs: readonly PendingJob[], error: unknown): void {
  for (const { reject } of pendingJobs) reject(error);
}
