/**
 * Group commit: gathers what waits while commits are under way, and commits it together. No timer: a batch is what came
 * in meanwhile. Several batches run side by side, but a field is only ever in one of them.
 */
import type { Knex } from 'knex';
import { isPassing, type Retry } from '../../db/transient-errors.ts';
import type { FieldCache } from '../../shared/cache/field-cache.ts';
import type { ApplyUpdates, ApplyUpdatesResult } from '../../shared/contract/job.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { AppliedJobs } from './apply-updates.ts';
import { type CommitSettings, commitBatch, type FieldJobs } from './commit-batch.ts';
import { LiveFields } from './hot-field-cache.ts';
import { publishBatch } from './publish.ts';
import { holdMs } from './reorder-window.ts';

const maxBatchUpdates = 2000;
const maxBatchFields = 200;

interface Waiting {
  readonly job: ApplyUpdates;
  /** Its place in the queue. */
  readonly place: number;
  readonly resolve: (result: ApplyUpdatesResult) => void;
  readonly reject: (error: unknown) => void;
}

type Batch = Map<FieldId, Waiting[]>;

/** A batch that was committed and published. */
export interface CommitReport {
  readonly jobs: FieldJobs;
  readonly applied: ReadonlyMap<FieldId, AppliedJobs>;
  /** The fields that the cache could not be told of. */
  readonly unpublished: ReadonlySet<FieldId>;
  readonly commitMs: number;
  readonly publishMs: number;
}

export interface CommitterDeps {
  readonly db: Knex;
  readonly cache: FieldCache;
  readonly log: Logger;
  /** How long to wait out what passes. */
  readonly retry: Retry;
  /** How many transactions may run at once. */
  readonly lanes: number;
  readonly settings: CommitSettings;
  /** Told of every commit, before anybody is answered. Must not throw. */
  readonly onCommit: (report: CommitReport) => void;
}

export class Committer {
  readonly #deps: CommitterDeps;
  readonly #live = new LiveFields();
  readonly #waiting: Batch = new Map();
  readonly #held: Batch = new Map();
  readonly #busy = new Set<FieldId>();
  #lanes = 0;
  #isScheduled = false;

  constructor(deps: CommitterDeps) {
    this.#deps = deps;
  }

  /**
   * Resolves when the job's updates are committed and published.
   * @param place the job's place in the queue: what waits for a field is applied in this order
   * @throws when the job itself can never be applied, or when the committer is being stopped during an outage
   */
  submit(job: ApplyUpdates, place: number): Promise<ApplyUpdatesResult> {
    return new Promise((resolve, reject) => {
      this.#enter({ job, place, resolve, reject });
    });
  }

  /** Whatever comes for a field may be what those that are held back are waiting for. */
  #enter(one: Waiting): void {
    const { field } = one.job;
    const waiting = this.#waiting.get(field) ?? [];
    for (const next of [...(this.#held.get(field) ?? []), one]) insertInOrder(waiting, next);
    this.#held.delete(field);
    this.#waiting.set(field, waiting);
    this.#schedule();
  }

  /** Holds a job back until another comes for its field, and a moment at most: the other may be with another worker. */
  #hold(one: Waiting): void {
    const { field } = one.job;
    const held = this.#held.get(field);
    if (held) return void held.push(one);
    const first = [one];
    this.#held.set(field, first);
    setTimeout(() => {
      if (this.#held.get(field) !== first) return;
      const [next, ...rest] = first;
      this.#held.set(field, rest);
      if (next) this.#enter(next);
    }, holdMs);
  }

  /** Once all that has come in with this turn of the event loop is here. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#fillLanes();
    });
  }

  #fillLanes(): void {
    while (this.#lanes < this.#deps.lanes) {
      const batch = this.#takeBatch();
      if (batch.size === 0) return;
      this.#lanes += 1;
      for (const field of batch.keys()) this.#busy.add(field);
      void this.#settle(batch).finally(() => {
        this.#lanes -= 1;
        for (const field of batch.keys()) this.#busy.delete(field);
        this.#schedule();
      });
    }
  }

  /** What waits for fields that no lane is busy with, oldest field first. */
  #takeBatch(): Batch {
    const batch: Batch = new Map();
    let room = maxBatchUpdates;
    for (const [field, waiting] of this.#waiting) {
      if (this.#busy.has(field)) continue;
      if (batch.size === maxBatchFields || room <= 0) break;
      const taken = takeWhileRoom(waiting, room);
      room -= countUpdates(taken);
      batch.set(field, taken);
      if (waiting.length === 0) this.#waiting.delete(field);
    }
    return batch;
  }

  /** Commits a batch and answers everyone in it; takes it apart when something in it cannot be committed. */
  async #settle(batch: Batch): Promise<void> {
    const { retry, log } = this.#deps;
    try {
      const applied = await retry(() => this.#commit(batch));
      for (const [field, waiting] of batch) this.#answer(waiting, applied.get(field));
    } catch (error) {
      const parts = splitBatch(batch);
      if (parts.length === 1 || isPassing(error)) {
        for (const { reject } of [...batch.values()].flat()) reject(error);
        return;
      }
      log.warn({ err: error, jobs: parts.length }, 'a batch could not be committed: its jobs are tried one by one');
      for (const part of parts) await this.#settle(part);
    }
  }

  /** Tells everyone what became of their jobs; those that are held back come again in a moment. */
  #answer(waiting: readonly Waiting[], applied: AppliedJobs | undefined): void {
    for (const [index, one] of waiting.entries()) {
      const results = applied?.results[index];
      if (!applied) one.reject(new Error('a committed batch lacks one of its fields'));
      else if (results) one.resolve({ field: one.job.field, version: applied.commit.state.version, results });
      else this.#hold(one);
    }
  }

  async #commit(batch: Batch): Promise<ReadonlyMap<FieldId, AppliedJobs>> {
    const { db, settings, onCommit } = this.#deps;
    const startedAt = performance.now();
    const jobs = new Map([...batch].map(([field, waiting]) => [field, waiting.map(({ job }) => job)]));
    const applied = await commitBatch(db, this.#live, jobs, settings);
    const committedAt = performance.now();
    const unpublished = await publishBatch(this.#deps, applied.values());
    const publishMs = performance.now() - committedAt;
    onCommit({ jobs, applied, unpublished, commitMs: committedAt - startedAt, publishMs });
    return applied;
  }
}

/** Jobs come almost in order: a few steps from the end at most. */
function insertInOrder(waiting: Waiting[], one: Waiting): void {
  const before = waiting.findLastIndex(({ place }) => place <= one.place);
  waiting.splice(before + 1, 0, one);
}

function takeWhileRoom(waiting: Waiting[], room: number): Waiting[] {
  let count = 0;
  let updates = 0;
  for (const { job } of waiting) {
    if (count > 0 && updates + job.updates.length > room) break;
    count += 1;
    updates += job.updates.length;
  }
  return waiting.splice(0, count);
}

function countUpdates(waiting: readonly Waiting[]): number {
  return waiting.reduce((sum, { job }) => sum + job.updates.length, 0);
}

function splitBatch(batch: Batch): Batch[] {
  return [...batch].flatMap(([field, waiting]) => waiting.map((one) => new Map([[field, [one]]])));
}
