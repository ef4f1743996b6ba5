/**
 * Keeps jobs of low priority, such as those of `enqueue`, from slowing down the others. While others arrive, they are
 * committed in small parts, one after the other and with a pause after each, so that neither this process nor PostgreSQL is
 * occupied by them for long or for most of the time. While nothing else arrives, they are committed as fast as possible.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ApplyUpdates, ApplyUpdatesResult } from '../../shared/contract/job.ts';
import type { Committer } from './committer.ts';

/** The system counts as busy for this long after a job of normal priority. */
const busyMs = 1000;
/** Updates that are committed together while others arrive: a commit of them takes a few milliseconds. */
const maxUpdatesPerPart = 20;
/** The pause as a multiple of the duration of the part: parts take at most a sixteenth of the time. */
const pauseRatio = 15;
/** Bounds the pause after a slow commit, for example during an outage. */
const maxPauseMs = 250;
/** If more jobs wait, the oldest are committed without a pause, since waiting jobs occupy slots of their consumer. */
const maxWaitingJobs = 50;

interface LowPriorityThrottleDeps {
  readonly committer: Pick<Committer, 'submit'>;
  /** Called before a part of a job is committed on its own. */
  readonly onPart?: ((part: ApplyUpdates, job: ApplyUpdates) => void) | undefined;
  /** In ms, of a monotonic clock. */
  readonly readTime?: () => number;
  readonly pause?: (ms: number) => Promise<void>;
}

interface WaitingJob {
  readonly job: ApplyUpdates;
  readonly sequence: number;
  /** The results of the parts that were submitted, in order. */
  readonly parts: Promise<ApplyUpdatesResult>[];
  submittedUpdates: number;
  readonly resolve: (result: Promise<ApplyUpdatesResult>) => void;
}

export class LowPriorityThrottle {
  readonly #deps: LowPriorityThrottleDeps;
  readonly #readTime: () => number;
  readonly #pause: (ms: number) => Promise<unknown>;
  /** Parts of the first job may have been submitted already. */
  readonly #waiting: WaitingJob[] = [];
  #lastNormalAt = Number.NEGATIVE_INFINITY;
  #isRunning = false;

  constructor(deps: LowPriorityThrottleDeps) {
    this.#deps = deps;
    this.#readTime = deps.readTime ?? (() => performance.now());
    this.#pause = deps.pause ?? delay;
  }

  /** Like `Committer.submit`, but may commit the updates of a low-priority job in several parts. */
  submit(job: ApplyUpdates, sequence: number, isLowPriority: boolean): Promise<ApplyUpdatesResult> {
    if (!isLowPriority) {
      this.#lastNormalAt = this.#readTime();
      return this.#deps.committer.submit(job, sequence);
    }
    return new Promise((resolve) => {
      this.#waiting.push({ job, sequence, parts: [], submittedUpdates: 0, resolve });
      if (!this.#isRunning) void this.#run();
      else this.flush(maxWaitingJobs);
    });
  }

  /**
   * Submits waiting jobs without a pause, for example because the process stops.
   * @param rest how many of the newest jobs keep waiting
   */
  flush(rest = 0): void {
    while (this.#waiting.length > rest) this.#submitNext(Number.POSITIVE_INFINITY);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      if (this.#readTime() - this.#lastNormalAt >= busyMs) this.flush();
      else await this.#submitPart();
    }
    this.#isRunning = false;
  }

  /** A part may consist of several small jobs. */
  async #submitPart(): Promise<void> {
    const startedAt = this.#readTime();
    const answers: Promise<ApplyUpdatesResult>[] = [];
    for (let room = maxUpdatesPerPart; room > 0 && this.#waiting.length > 0; ) {
      const { answer, length } = this.#submitNext(room);
      answers.push(answer);
      room -= length;
    }
    await Promise.allSettled(answers);
    await this.#pause(Math.min(maxPauseMs, pauseRatio * (this.#readTime() - startedAt)));
  }

  /** Submits the next updates of the first job. Removes the job after its last updates, or once a part has failed. */
  #submitNext(maxUpdates: number): { answer: Promise<ApplyUpdatesResult>; length: number } {
    const [waiting] = this.#waiting;
    if (!waiting) throw new Error('no job is waiting');
    const { job, sequence, parts, submittedUpdates: start } = waiting;
    const end = Math.min(job.updates.length, start + maxUpdates);
    const isWhole = end - start === job.updates.length;
    const part = isWhole ? job : { ...job, updates: job.updates.slice(start, end) };
    if (!isWhole) this.#deps.onPart?.(part, job);
    const answer = this.#deps.committer.submit(part, sequence);
    parts.push(answer);
    waiting.submittedUpdates = end;
    const finish = () => {
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) this.#waiting.splice(index, 1);
      waiting.resolve(isWhole ? answer : joinResults(parts));
    };
    if (end === job.updates.length) finish();
    else answer.catch(finish);
    return { answer, length: end - start };
  }
}

async function joinResults(parts: readonly Promise<ApplyUpdatesResult>[]): Promise<ApplyUpdatesResult> {
  const joined = await Promise.all(parts);
  const last = joined.at(-1) as ApplyUpdatesResult;
  return { ...last, results: joined.flatMap(({ results }) => results) };
}
