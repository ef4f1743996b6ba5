/**
 * A model of BullMQ's side of the queue: partitions of jobs, delivered at least once. A job belongs to the delivery whose lock
 * it has. If that is not renewed, a check for stalled jobs delivers the job again, while the first delivery may go on.
 */
import { UnrecoverableError } from 'bullmq';
import type { UpdatesJob } from '../../../../shared/contract/job.ts';
import { maxPartitions } from '../../../../shared/queue/partitions.ts';
import type { Random } from '../../../unit/field/support/seeded-random.ts';
import type { VirtualTime } from '../../kernel/virtual-time.ts';
import type { Reachable } from '../link.ts';
import { ActivePartitionsModel, type PartitionCounts } from './active-partitions.ts';

/** What the queue knows of a consumer. */
export interface JobReceiver {
  readonly partition: number;
  /** Whether it is waiting for jobs, and reachable. */
  readonly canReceive: boolean;
  /** Called in order. The lock belongs to this delivery alone. */
  receive(job: DeliveredJob, delayMs: number): void;
}

export interface DeliveredJob {
  readonly id: number;
  readonly token: string;
  /** The data of the job. */
  readonly json: string;
}

interface StoredJob {
  readonly id: number;
  readonly partition: number;
  readonly addedAt: number;
  readonly json: string;
  state: 'waiting' | 'active' | 'delayed';
  token: string;
  lockedUntil: number;
  /** Whether a check has seen it as active since its lock was last renewed. The next check retries it if it has no lock. */
  isSuspect: boolean;
}

export interface JobQueueOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  /** The server that stores the jobs, unless the queue is a server of its own. */
  readonly server?: Reachable;
  readonly lockMs: number;
  readonly stalledIntervalMs: number;
}

/** The delivery has lost its lock, or the job is finished. */
export class LostLockError extends Error {}

const retryMs = 1000;

export class JobQueue implements Reachable {
  isUp = true;
  stalledUntil = 0;
  /** The probability that a delivery is made twice. */
  duplication = 0;
  /** Deliveries are delayed by up to this time, which reorders them. */
  reorderMs = 0;
  readonly options: JobQueueOptions;
  /** Jobs that failed for good. */
  readonly deadLetters: { readonly job: UpdatesJob; readonly error: unknown }[] = [];
  readonly #activePartitions: ActivePartitionsModel;
  readonly #jobs = new Map<number, StoredJob>();
  readonly #receivers = new Map<number, Set<JobReceiver>>();
  /** When the first job of each partition was added. */
  readonly #firstAddedAt = new Map<number, number>();
  readonly #checkedAt = new Map<number, number>();
  #lastId = 0;
  #lastToken = 0;

  constructor(options: JobQueueOptions) {
    this.options = options;
    this.#activePartitions = new ActivePartitionsModel(options.time);
  }

  get pending(): number {
    return this.#jobs.size;
  }

  /** The partitions with jobs that are not finished. */
  get pendingPartitions(): ReadonlySet<number> {
    return new Set([...this.#jobs.values()].map(({ partition }) => partition));
  }

  readCounts(): PartitionCounts {
    return this.#activePartitions.read(this.#usedPartitions);
  }

  /** As `shared/queue/partition-counts.ts`, all at once. */
  reportWorkers(workers: number, mayLower: boolean): number {
    return this.#activePartitions.report(Math.min(workers, maxPartitions), mayLower, this.#usedPartitions);
  }

  /** BullMQ counts the jobs of each partition, and keeps the counter when all are done. */
  get #usedPartitions(): number {
    return Math.max(0, ...this.#firstAddedAt.keys()) + 1;
  }

  add(partition: number, data: UpdatesJob): void {
    this.#lastId += 1;
    if (!this.#firstAddedAt.has(partition)) this.#firstAddedAt.set(partition, this.options.time.now);
    const job: StoredJob = {
      id: this.#lastId,
      partition,
      addedAt: this.options.time.now,
      json: JSON.stringify(data),
      state: 'waiting',
      token: '',
      lockedUntil: 0,
      isSuspect: false,
    };
    this.#jobs.set(job.id, job);
    this.#deliver(job);
  }

  attach(receiver: JobReceiver): void {
    const receivers = this.#receivers.get(receiver.partition) ?? new Set();
    this.#receivers.set(receiver.partition, receivers.add(receiver));
    this.#deliverWaiting(receiver.partition);
  }

  detach(receiver: JobReceiver): void {
    this.#receivers.get(receiver.partition)?.delete(receiver);
  }

  /** Called now and then: jobs that nobody could take wait for links to be mended. */
  deliverAll(): void {
    for (const partition of this.#receivers.keys()) this.#deliverWaiting(partition);
  }

  /** Renews the locks of deliveries that still have them. */
  extendLocks(deliveries: readonly Pick<DeliveredJob, 'id' | 'token'>[]): void {
    const { time, lockMs } = this.options;
    for (const delivery of deliveries) {
      const job = this.#findLocked(delivery);
      if (!job) continue;
      job.lockedUntil = time.now + lockMs;
      job.isSuspect = false;
    }
  }

  /** @throws LostLockError */
  complete(delivery: Pick<DeliveredJob, 'id' | 'token'>): void {
    this.#jobs.delete(this.#requireLocked(delivery).id);
  }

  /** The job is retried after a pause, unless that cannot help. @throws LostLockError */
  fail(delivery: Pick<DeliveredJob, 'id' | 'token'>, error: unknown): void {
    const job = this.#requireLocked(delivery);
    if (error instanceof UnrecoverableError) {
      this.#jobs.delete(job.id);
      this.deadLetters.push({ job: JSON.parse(job.json) as UpdatesJob, error });
      return;
    }
    Object.assign(job, { state: 'delayed', token: '' });
    this.options.time.scheduleFor(undefined, retryMs, () => this.#makeWaiting(job));
  }

  /** To the front of the queue. @throws LostLockError */
  returnToWait(delivery: Pick<DeliveredJob, 'id' | 'token'>): void {
    this.#makeWaiting(this.#requireLocked(delivery));
  }

  /** As `workers/consume/reclaim-jobs.ts`, all at once. @returns how many */
  reclaim(partition: number): number {
    const active = [...this.#jobs.values()].filter((job) => job.partition === partition && job.state === 'active');
    for (const job of active) this.#makeWaiting(job);
    return active.length;
  }

  /** Retries the jobs that had no lock at this check and were active at the last one. */
  checkStalled(partition: number): void {
    const { time, stalledIntervalMs } = this.options;
    if (time.now < (this.#checkedAt.get(partition) ?? 0) + stalledIntervalMs) return;
    this.#checkedAt.set(partition, time.now);
    for (const job of [...this.#jobs.values()]) {
      if (job.partition !== partition || job.state !== 'active') continue;
      if (job.isSuspect && job.lockedUntil <= time.now) this.#makeWaiting(job);
      else job.isSuspect = true;
    }
  }

  /** A failover of the queue's Redis loses what was added last. @returns how many jobs */
  loseTail(lostMs: number): number {
    const since = this.options.time.now - lostMs;
    this.#activePartitions.revertTo(since);
    const lost = [...this.#jobs.values()].filter(({ addedAt }) => addedAt > since);
    for (const { id } of lost) this.#jobs.delete(id);
    for (const [partition, at] of this.#firstAddedAt) if (at > since) this.#firstAddedAt.delete(partition);
    return lost.length;
  }

  #deliverWaiting(partition: number): void {
    for (const job of this.#jobs.values()) {
      if (job.partition === partition && job.state === 'waiting') this.#deliver(job);
    }
  }

  #deliver(job: StoredJob): void {
    const { time, random, lockMs, server = this } = this.options;
    if (!server.isUp || server.stalledUntil > time.now) return;
    const receivers = [...(this.#receivers.get(job.partition) ?? [])].filter(({ canReceive }) => canReceive);
    if (receivers.length === 0) return;
    this.#lastToken += 1;
    const token = String(this.#lastToken);
    Object.assign(job, { state: 'active', token, lockedUntil: time.now + lockMs });
    const delivered = { id: job.id, token, json: job.json };
    const deliver = () => random.pick(receivers).receive(delivered, this.reorderMs * random.next());
    deliver();
    if (random.chance(this.duplication)) deliver();
  }

  #makeWaiting(job: StoredJob): void {
    if (!this.#jobs.has(job.id)) return;
    Object.assign(job, { state: 'waiting', token: '', isSuspect: false });
    this.#deliver(job);
  }

  #findLocked({ id, token }: Pick<DeliveredJob, 'id' | 'token'>): StoredJob | undefined {
    const job = this.#jobs.get(id);
    const isLocked = job?.state === 'active' && job.token === token && job.lockedUntil > this.options.time.now;
    return isLocked ? job : undefined;
  }

  #requireLocked(delivery: Pick<DeliveredJob, 'id' | 'token'>): StoredJob {
    const job = this.#findLocked(delivery);
    if (!job) throw new LostLockError(`the lock of job ${delivery.id} is lost`);
    return job;
  }
}
