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
import type { AppliedJobs } from './apply-updates.ts';
import { type CommitDeps, CommitProgress, commitBatch, type FieldJobs } from './commit-batch.ts';
import type { CommitTrace } from './commit-trace.ts';
import { type SnapshotOptions, writeDueSnapshots } from './due-snapshots.ts';
import { HotFieldCache } from './hot-field-cache.ts';
import { publishBatch } from './publish.ts';
import { deferMs } from './reorder-window.ts';

const maxBatchUpdates = 2000;
const maxBatchFields = 200;

interface PendingJob {
  readonly job: ApplyUpdates;
  /** Its position in the queue. */
  readonly sequence: number;
  readonly resolve: (result: ApplyUpdatesResult) => void;
  readonly reject: (error: unknown) => void;
}

type Batch = Map<FieldId, PendingJob[]>;

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
        for (const field of batch.keys()) this.#busyFields.delete(field);
        this.#schedule();
      });
    }
  }

  /** The pending jobs of fields that are in no running commit, oldest field first. */
  #dequeueBatch(): Batch {
    const batch: Batch = new Map();
    let remaining = maxBatchUpdates;
    for (const [field, pendingJobs] of this.#pending) {
      if (this.#busyFields.has(field)) continue;
      if (batch.size === maxBatchFields || remaining <= 0) break;
      const batchJobs = dequeueUpTo(pendingJobs, remaining);
      remaining -= countUpdates(batchJobs);
      batch.set(field, batchJobs);
      if (pendingJobs.length === 0) this.#pending.delete(field);
    }
    return batch;
  }

  /**
   * Commits a batch and resolves its jobs. If it fails permanently, its jobs are committed one by one. These are not deferred, because
   * deferred jobs would be batched with others and fail again.
   */
  async #process(batch: Batch, mayDefer = true): Promise<void> {
    const { retry, log } = this.#deps;
    try {
      while (batch.size > 0) {
        const progress = new CommitProgress(
          new Map([...batch].map(([field, pendingJobs]) => [field, pendingJobs.map(({ job }) => job)])),
          { mayDefer },
        );
        await retry(() => this.#commitAndAnswer(batch, progress));
      }
    } catch (error) {
      // The queue redelivers all of these jobs. Those that were committed but not published are then published as duplicates.
      if (isTransient(error)) return rejectAll(batch, error);
      const singleJobBatches = splitIntoSingleJobs(batch);
      if (singleJobBatches.length === 1) return rejectAll(batch, error);
      log.warn({ err: error, jobs: singleJobBatches.length }, 'batch commit failed; retrying its jobs individually');
      for (const singleJobBatch of singleJobBatches) await this.#process(singleJobBatch, false);
    }
  }

  /** Commits what is left of the batch and removes it. Fields that were committed do not wait for the others. */
  async #commitAndAnswer(batch: Batch, progress: CommitProgress): Promise<void> {
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
    for (const field of applied.keys()) {
      batch.delete(field);
      this.#busyFields.delete(field);
    }
    this.#schedule();
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

function dequeueUpTo(pendingJobs: PendingJob[], maxUpdates: number): PendingJob[] {
  let count = 0;
  let updates = 0;
  for (const { job } of pendingJobs) {
    if (count > 0 && updates + job.updates.length > maxUpdates) break;
    count += 1;
    updates += job.updates.length;
  }
  return pendingJobs.splice(0, count);
}

function countUpdates(pendingJobs: readonly PendingJob[]): number {
  return pendingJobs.reduce((sum, { job }) => sum + job.updates.length, 0);
}

function rejectAll(batch: Batch, error: unknown): void {
  for (const { reject } of [...batch.values()].flat()) reject(error);
}

function splitIntoSingleJobs(batch: Batch): Batch[] {
  return [...batch].flatMap(([field, pendingJobs]) =>
    pendingJobs.map((pendingJob) => new Map([[field, [pendingJob]]])),
  );
}
