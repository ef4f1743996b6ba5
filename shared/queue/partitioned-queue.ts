/** The queues of an installation, as many as are in use, on one connection to Redis. */
import { Queue, type Telemetry } from 'bullmq';
import type { Redis } from 'ioredis';
import type { applyUpdatesJob, UpdatesJob } from '../contract/job.ts';
import type { FieldId } from '../field/ids.ts';
import { getPartition, getPartitionName } from './partitions.ts';
import { type QueueStats, readQueueStats } from './queue-stats.ts';
import { WorkerMembership } from './worker-membership.ts';

export type UpdatesQueue = Queue<UpdatesJob, void, typeof applyUpdatesJob>;

/** A job is tried for as long as it takes: only a job that can never be applied is failed, by its worker. */
export const updatesJobOptions = { attempts: 1_000_000, backoff: { type: 'fixed', delay: 1000 } } as const;

interface PartitionedQueueOptions {
  /** Sets one installation's keys apart from another's on the same Redis. */
  readonly prefix: string;
  /** Carries traces through the queue. */
  readonly telemetry?: Telemetry | undefined;
  readonly onError?: (error: Error) => void;
}

export class PartitionedQueue {
  readonly #redis: Redis;
  readonly #options: PartitionedQueueOptions;
  readonly #membership: WorkerMembership;
  /** There is one before anybody has asked: it is there in any case. */
  readonly first: UpdatesQueue;
  readonly #queues: UpdatesQueue[];
  /** Among how many of them new jobs are spread. */
  #activePartitions = 1;

  constructor(redis: Redis, options: PartitionedQueueOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#membership = new WorkerMembership(redis, options.prefix);
    this.first = this.#open(0);
    this.#queues = [this.first];
  }

  /**
   * Looks how many workers there are, and so how many queues. While there is none, all stays as it was.
   * @returns the workers that live. @throws when Redis is away
   */
  async refresh(): Promise<number> {
    const { partitions, workers } = await this.#membership.read();
    while (this.#queues.length < partitions) this.#queues.push(this.#open(this.#queues.length));
    if (workers > 0) this.#activePartitions = Math.min(workers, partitions);
    return workers;
  }

  /** The one for a field's updates. */
  queueFor(field: FieldId): UpdatesQueue {
    return this.#queues[getPartition(field, this.#activePartitions)] ?? this.first;
  }

  /** Those that may hold jobs, as of the last look. */
  get all(): readonly UpdatesQueue[] {
    return this.#queues;
  }

  /** @throws when Redis is away */
  async countJobs(...states: Parameters<UpdatesQueue['getJobCountByTypes']>): Promise<number> {
    const counts = await Promise.all(this.#queues.map((queue) => queue.getJobCountByTypes(...states)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** All of them as one. @throws when Redis is away */
  async readStats(): Promise<QueueStats> {
    await this.refresh();
    return (await Promise.all(this.#queues.map(readQueueStats))).reduce(mergeStats);
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
      // Without both of these the queue waits for Redis, or never notices that it is back.
      skipWaitingForReady: true,
      skipVersionCheck: true,
      defaultJobOptions: updatesJobOptions,
      telemetry,
    });
    // The connection's own listener has said it already.
    queue.on('error', (error) => onError?.(error));
    return queue;
  }
}

function mergeStats(one: QueueStats, other: QueueStats): QueueStats {
  const states = Object.keys({ ...one.counts, ...other.counts });
  const times = [one.oldestAt, other.oldestAt].filter((time) => time !== undefined);
  return {
    counts: Object.fromEntries(states.map((state) => [state, (one.counts[state] ?? 0) + (other.counts[state] ?? 0)])),
    oldestAt: times.length > 0 ? Math.min(...times) : undefined,
  };
}
