/**
 * The jobs of one consumer that are in flight. All of them can be returned to the queue at once, for other workers to process.
 * This worker may still finish them. That is safe, because commits are idempotent.
 */
import { type Job, WaitingError } from 'bullmq';
import type { UpdatesJob } from '../../shared/contract/job.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { ProcessJob } from '../job-processor.ts';

type ActiveJob = Pick<Job<UpdatesJob>, 'id' | 'data' | 'moveToWait'> & Partial<Pick<Job, 'priority'>>;

export class ReturnableJobs {
  readonly #processJob: ProcessJob;
  readonly #log: Logger;
  readonly #active = new Set<() => void>();
  #areReturned = false;

  constructor(processJob: ProcessJob, log: Logger) {
    this.#processJob = processJob;
    this.#log = log;
  }

  /** @throws WaitingError when the job was returned */
  process(job: ActiveJob, token: string | undefined): Promise<void> {
    if (this.#areReturned) return this.#return(job, token);
    return new Promise((resolve, reject) => {
      const returnJob = () => resolve(this.#return(job, token));
      this.#active.add(returnJob);
      this.#processJob(job)
        .then(resolve, reject)
        .finally(() => this.#active.delete(returnJob));
    });
  }

  /** Returns the jobs in flight, and those that arrive from now on. */
  returnAll(): void {
    this.#areReturned = true;
    // Each one goes to the front of the queue, so they are returned in reverse order.
    for (const returnJob of [...this.#active].reverse()) returnJob();
    this.#active.clear();
  }

  async #return(job: ActiveJob, token: string | undefined): Promise<never> {
    // A job that cannot be returned is retried when its lock has expired.
    await job.moveToWait(token).catch((err) => this.#log.debug({ err, job: job.id }, 'returning a job failed'));
    throw new WaitingError();
  }
}
