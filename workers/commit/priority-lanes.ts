/**
 * Keeps jobs of low priority, such as those of `enqueue`, from slowing down the others. While others arrive, they are
 * committed in small parts, one after the other and with a pause after each, so that neither this process nor PostgreSQL is
 * occupied by them for long or for most of the time. While nothing else arrives, they are committed as fast as possible.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ApplyUpdates, ApplyUpdatesResult } from '../../shared/contract/job.ts';
import type { UpdateResult } from '../../shared/contract/messages.ts';
import type { Committer } from './committer.ts';

/** How long after a job of normal priority the next one is expected. */
const sharedMs = 1000;
/** Updates that are committed together while others arrive: a commit of them takes a few milliseconds. */
const maxUpdatesPerPart = 20;
/** The pause in multiples of what the part took: parts take at most an eighth of the time. */
const pauseRatio = 7;

interface LowPriorityJob {
  readonly job: ApplyUpdates;
  readonly sequence: number;
  readonly resolve: (result: Promise<ApplyUpdatesResult> | ApplyUpdatesResult) => void;
  readonly reject: (error: unknown) => void;
}

export class PriorityLanes {
  readonly #committer: Pick<Committer, 'submit'>;
  readonly #readTime: () => number;
  readonly #waiting: LowPriorityJob[] = [];
  #lastNormalAt = Number.NEGATIVE_INFINITY;
  #isRunning = false;

  /** @param readTime in ms, of a monotonic clock */
  constructor(committer: Pick<Committer, 'submit'>, readTime = () => performance.now()) {
    this.#committer = committer;
    this.#readTime = readTime;
  }

  /** As `Committer.submit`. The updates of a job of low priority may be committed in several parts. */
  submit(job: ApplyUpdates, sequence: number, isLowPriority: boolean): Promise<ApplyUpdatesResult> {
    if (!isLowPriority) {
      this.#lastNormalAt = this.#readTime();
      return this.#committer.submit(job, sequence);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, sequence, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  /** Whether jobs of normal priority are arriving. */
  get #isShared(): boolean {
    return this.#readTime() - this.#lastNormalAt < sharedMs;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const { job, sequence, resolve, reject } = next;
      if (this.#isShared) await this.#submitInParts(job, sequence).then(resolve, reject);
      else resolve(this.#committer.submit(job, sequence));
    }
    this.#isRunning = false;
  }

  async #submitInParts(job: ApplyUpdates, sequence: number): Promise<ApplyUpdatesResult> {
    const results: UpdateResult[] = [];
    for (;;) {
      const startedAt = this.#readTime();
      const end = this.#isShared ? results.length + maxUpdatesPerPart : job.updates.length;
      const part = { ...job, updates: job.updates.slice(results.length, end) };
      const result = await this.#committer.submit(part, sequence);
      results.push(...result.results);
      if (this.#isShared) await delay(pauseRatio * (this.#readTime() - startedAt));
      if (results.length >= job.updates.length) return { ...result, results };
    }
  }
}
