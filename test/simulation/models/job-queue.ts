/**
 * A model of BullMQ: partitions of jobs, delivered at least once. Several workers may read one partition, or none. A job
 * whose worker is killed, paused or cut off stalls, and is delivered again while the first delivery may still be under way.
 */
import { UnrecoverableError } from 'bullmq';
import type { UpdatesJob } from '../../../shared/contract/job.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { VirtualTime } from '../kernel/virtual-time.ts';
import type { Link, Reachable } from './link.ts';

export interface Consumer {
  readonly process: SimProcess;
  readonly link: Link;
  readonly processJob: (job: { readonly id: string; readonly data: UpdatesJob }) => Promise<void>;
}

interface QueuedJob {
  readonly id: number;
  readonly partition: number;
  readonly addedAt: number;
  readonly json: string;
  state: 'waiting' | 'active' | 'completed';
  /** Counts deliveries: only the last one decides what becomes of the job. */
  delivery: number;
}

const lockMs = 30_000;
const retryMs = 1000;
const completionRetryMs = 2000;

export class JobQueue implements Reachable {
  isUp = true;
  stalledUntil = 0;
  /** The probability that a delivery is made twice. */
  duplication = 0;
  /** Deliveries are delayed by up to this time, which reorders them. */
  reorderMs = 0;
  readonly partitions: number;
  /** Jobs that failed for good. */
  readonly deadLetters: { readonly job: UpdatesJob; readonly error: unknown }[] = [];
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #jobs = new Map<number, QueuedJob>();
  readonly #consumers = new Map<number, Set<Consumer>>();
  #lastId = 0;

  constructor(time: VirtualTime, random: Random, partitions: number) {
    this.#time = time;
    this.#random = random;
    this.partitions = partitions;
  }

  get pending(): number {
    return this.#jobs.size;
  }

  add(partition: number, data: UpdatesJob): void {
    this.#lastId += 1;
    const job: QueuedJob = {
      id: this.#lastId,
      partition,
      addedAt: this.#time.now,
      json: JSON.stringify(data),
      state: 'waiting',
      delivery: 0,
    };
    this.#jobs.set(job.id, job);
    this.#deliverWaiting(partition);
  }

  setConsumers(partition: number, consumers: readonly Consumer[]): void {
    this.#consumers.set(partition, new Set(consumers));
    this.#deliverWaiting(partition);
  }

  removeConsumer(consumer: Consumer): void {
    for (const consumers of this.#consumers.values()) consumers.delete(consumer);
  }

  /** A failover of the queue's Redis loses what was added last. @returns how many jobs */
  loseTail(lostMs: number): number {
    const lost = [...this.#jobs.values()].filter(({ addedAt }) => addedAt > this.#time.now - lostMs);
    for (const { id } of lost) this.#jobs.delete(id);
    return lost.length;
  }

  /** Called now and then: jobs that nobody could take wait for workers to start and for links to be mended. */
  deliverAll(): void {
    for (const partition of this.#consumers.keys()) this.#deliverWaiting(partition);
  }

  #deliverWaiting(partition: number): void {
    for (const job of this.#jobs.values()) {
      if (job.partition === partition && job.state === 'waiting') this.#deliver(job);
    }
  }

  #deliver(job: QueuedJob): void {
    const consumers = [...(this.#consumers.get(job.partition) ?? [])].filter(canReceive);
    if (!this.isUp || consumers.length === 0) return;
    const consumer = this.#random.pick(consumers);
    job.state = 'active';
    job.delivery += 1;
    this.#deliverTo(job, consumer);
    if (this.#random.chance(this.duplication)) this.#deliverTo(job, this.#random.pick(consumers));
    this.#checkLock(job, consumer, job.delivery);
  }

  /** A worker renews the locks of its jobs; one that cannot has its jobs taken away. */
  #checkLock(job: QueuedJob, consumer: Consumer, delivery: number): void {
    this.#time.scheduleFor(undefined, lockMs, () => {
      if (job.state !== 'active' || job.delivery !== delivery) return;
      if (consumer.process.state === 'running' && consumer.link.state === 'ok' && this.isUp)
        return this.#checkLock(job, consumer, delivery);
      this.#requeue(job);
    });
  }

  #deliverTo(job: QueuedJob, consumer: Consumer): void {
    const delayMs = 0.5 + this.#random.next() + this.reorderMs * this.#random.next();
    const { delivery } = job;
    this.#time.scheduleFor(consumer.process, delayMs, () => {
      consumer.processJob({ id: String(job.id), data: JSON.parse(job.json) as UpdatesJob }).then(
        () => this.#complete(job, consumer),
        (error) => this.#fail(job, delivery, error),
      );
    });
  }

  #complete(job: QueuedJob, consumer: Consumer): void {
    const complete = consumer.link.request(() => {
      job.state = 'completed';
      this.#jobs.delete(job.id);
    });
    complete.catch(() => {
      this.#time.scheduleFor(consumer.process, completionRetryMs, () => this.#complete(job, consumer));
    });
  }

  #fail(job: QueuedJob, delivery: number, error: unknown): void {
    if (error instanceof UnrecoverableError) {
      this.deadLetters.push({ job: JSON.parse(job.json) as UpdatesJob, error });
      this.#jobs.delete(job.id);
      return;
    }
    this.#time.scheduleFor(undefined, retryMs, () => {
      if (job.state === 'active' && job.delivery === delivery) this.#requeue(job);
    });
  }

  #requeue(job: QueuedJob): void {
    if (!this.#jobs.has(job.id)) return;
    job.state = 'waiting';
    this.#deliver(job);
  }
}

function canReceive({ process, link }: Consumer): boolean {
  return process.state !== 'killed' && link.state === 'ok';
}
