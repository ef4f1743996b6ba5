/** The queues of an installation, one for each partition in use, on one connection to Redis. */
import { Queue, type Telemetry } from 'bullmq';
import type { Redis } from 'ioredis';
import type { applyUpdatesJob, UpdatesJob } from '../contract/job.ts';
import type { FieldId } from '../field/ids.ts';
import { PartitionCounter } from './partition-counts.ts';
import { getPartition, getPartitionName } from './partitions.ts';
import { type QueueStats, readQueueStats, sumQueueStats } from './queue-stats.ts';

export type UpdatesQueue = Queue<UpdatesJob, void, typeof applyUpdatesJob>;

/** Effectively unlimited attempts: an outage must not fail a job. A job that can never be applied is failed by the worker at once. */
export const updatesJobOptions = { attempts: 1_000_000, backoff: { type: 'fixed', delay: 1000 } } as const;

interface PartitionedQueueOptions {
  /** Separates the keys of one installation from those of others on the same Redis. */
  readonly prefix: string;
  /** Propagates traces through the queue. */
  readonly telemetry?: Telemetry | undefined;
  readonly onError?: (error: Error) => void;
}

export class PartitionedQueue {
  readonly #redis: Redis;
  readonly #options: PartitionedQueueOptions;
  readonly #counter: PartitionCounter;
  /** The queue of partition 0, which always exists. */
  readonly first: UpdatesQueue;
  readonly #queues: UpdatesQueue[];
  /** The number of partitions that new jobs are distributed over. */
  #activePartitions = 1;

  constructor(redis: Redis, options: PartitionedQueueOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#counter = new PartitionCounter(redis, options.prefix);
    this.first = this.#open(0);
    this.#queues = [this.first];
  }

  /** Opens the queues of new partitions, and updates the distribution of new jobs. @throws if Redis does not answer */
  async refresh(): Promise<void> {
    const { all, active } = await this.#counter.read();
    while (this.#queues.length < all) this.#queues.push(this.#open(this.#queues.length));
    this.#activePartitions = active;
  }

  /** The queue for the updates of a field. */
  queueFor(field: FieldId): UpdatesQueue {
    return this.#queues[getPartition(field, this.#activePartitions)] ?? this.first;
  }

  /** The queues that may contain jobs, as of the last refresh. */
  get all(): readonly UpdatesQueue[] {
    return this.#queues;
  }

  /** @throws if Redis does not answer */
  async countJobs(...states: Parameters<UpdatesQueue['getJobCountByTypes']>): Promise<number> {
    const counts = await Promise.all(this.#queues.map((queue) => queue.getJobCountByTypes(...states)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** The statistics of all partitions together. @throws if Redis does not answer */
  async readStats(): Promise<QueueStats> {
    await this.refresh();
    return sumQueueStats(await Promise.all(this.#queues.map(readQueueStats)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.close()));
  }

  #open(partition: number): UpdatesQueue {
    const { telemetry, onError } = this.#options;
    const { queue: name, prefix } = getPartitionName(this.#options.prefix, partition);
    const queue: UpdatesQueue = new Queue(name, {
      connection: this.#redis,
      prefix,
      // Without these two options BullMQ waits for Redis indefinitely, or does not detect that it is available again.
      skipWaitingForReady: true,
      skipVersionCheck: true,
      defaultJobOptions: updatesJobOptions,
      telemetry,
    });
    // Node throws an 'error' event without a listener. Connection errors are logged by the connection itself.
    queue.on('error', (error) => onError?.(error));
    return queue;
  }
}
