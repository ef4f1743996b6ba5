/** A model of BullMQ's worker: it takes the jobs of one partition, renews their locks, and looks for jobs that have lost theirs. */
import { WaitingError } from 'bullmq';
import type { UpdatesJob } from '../../../../shared/contract/job.ts';
import type { SimProcess } from '../../kernel/sim-process.ts';
import type { VirtualTime } from '../../kernel/virtual-time.ts';
import type { Link } from '../link.ts';
import { type DeliveredJob, type JobQueue, type JobReceiver, LostLockError } from './job-queue.ts';

/** A job as processors get it. */
interface ActiveJob {
  readonly id: string;
  readonly data: UpdatesJob;
  readonly moveToWait: (token?: string) => Promise<number>;
}

export interface ModelWorkerDeps {
  readonly time: VirtualTime;
  readonly process: SimProcess | undefined;
  readonly queue: JobQueue;
  readonly link: Link;
  readonly processJob: (job: ActiveJob, token: string) => Promise<void>;
  /** Whether nobody else may process the queue's jobs, so that those in flight are retried at once. */
  readonly reclaims?: boolean;
}

/** After a failed request; BullMQ's connections wait until the server is reachable again. */
const reconnectMs = 2000;

export class ModelWorker implements JobReceiver {
  readonly partition: number;
  readonly #deps: ModelWorkerDeps;
  /** Deliveries that are being processed: their locks are renewed. */
  readonly #processing = new Map<string, DeliveredJob>();
  /** These and those whose end is not confirmed yet. */
  readonly #unfinished = new Set<string>();
  #state: 'open' | 'closing' | 'closed' = 'open';
  readonly #onClosed: (() => void)[] = [];

  constructor(deps: ModelWorkerDeps, partition: number) {
    this.#deps = deps;
    this.partition = partition;
  }

  start(): void {
    const { queue, link, reclaims } = this.#deps;
    const begin = () => {
      if (this.#state !== 'open') return;
      this.#renewLocks();
      this.#checkStalled();
      queue.attach(this);
    };
    if (reclaims) link.request(() => queue.reclaim(this.partition)).then(begin, begin);
    else begin();
  }

  get canReceive(): boolean {
    const { process, link } = this.#deps;
    return this.#state === 'open' && (process?.state ?? 'running') === 'running' && link.state === 'ok';
  }

  /** What is on its way when the connection fails stays active until its lock expires. */
  receive(job: DeliveredJob, delayMs: number): void {
    const { time, process, link } = this.#deps;
    if (link.losesAnswer()) return;
    time.scheduleFor(process, link.latency() + delayMs, () => this.#process(job));
  }

  /** Takes no more jobs, and resolves when those in flight are finished. */
  close(): Promise<void> {
    if (this.#state === 'open') this.#state = 'closing';
    this.#deps.queue.detach(this);
    return new Promise((resolve) => {
      this.#onClosed.push(resolve);
      this.#closeIfDone();
    });
  }

  /** Ends at once. Jobs in flight are retried when their locks have expired. */
  forceClose(): void {
    this.#deps.queue.detach(this);
    this.#processing.clear();
    this.#unfinished.clear();
    this.#state = 'closing';
    this.#closeIfDone();
  }

  /** The process is dead: nothing of it takes jobs any more, and no code of it runs. */
  drop(): void {
    this.#deps.queue.detach(this);
    this.#state = 'closed';
  }

  #process(job: DeliveredJob): void {
    if (this.#state === 'closed') return;
    const { queue, link, processJob } = this.#deps;
    this.#processing.set(job.token, job);
    this.#unfinished.add(job.token);
    const active: ActiveJob = {
      id: String(job.id),
      data: JSON.parse(job.json) as UpdatesJob,
      moveToWait: () =>
        link.request(() => {
          queue.returnToWait(job);
          return 1;
        }),
    };
    processJob(active, job.token).then(
      () => this.#finish(job, () => queue.complete(job)),
      (error) => (error instanceof WaitingError ? this.#forget(job) : this.#finish(job, () => queue.fail(job, error))),
    );
  }

  #finish(job: DeliveredJob, finish: () => void): void {
    const { time, process, link } = this.#deps;
    this.#processing.delete(job.token);
    if (!this.#unfinished.has(job.token)) return;
    link.request(finish).then(
      () => this.#forget(job),
      (error) => {
        if (error instanceof LostLockError) this.#forget(job);
        else time.scheduleFor(process, reconnectMs, () => this.#finish(job, finish));
      },
    );
  }

  #forget(job: DeliveredJob): void {
    this.#processing.delete(job.token);
    this.#unfinished.delete(job.token);
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#state === 'open' || this.#unfinished.size > 0) return;
    this.#state = 'closed';
    for (const resolve of this.#onClosed.splice(0)) resolve();
  }

  #renewLocks(): void {
    const { time, process, queue, link } = this.#deps;
    if (this.#state === 'closed') return;
    const deliveries = [...this.#processing.values()];
    if (deliveries.length > 0) link.request(() => queue.extendLocks(deliveries)).catch(() => undefined);
    time.scheduleFor(process, queue.options.lockMs / 4, () => this.#renewLocks());
  }

  #checkStalled(): void {
    const { time, process, queue, link } = this.#deps;
    if (this.#state !== 'open') return;
    const repeat = () => void time.scheduleFor(process, queue.options.stalledIntervalMs, () => this.#checkStalled());
    link.request(() => queue.checkStalled(this.partition)).then(repeat, repeat);
  }
}
