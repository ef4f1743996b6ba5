/**
 * How many partitions the queue has. New jobs are distributed over as many as there are workers; workers report that number, which
 * is a hint, so nothing expires. Jobs may be in more partitions than that, of times with more workers, or if the queue's Redis
 * has lost the number: those that have jobs are found by what BullMQ stores with the first job of each.
 */
import type { Redis } from 'ioredis';
import { getPartitionName, maxPartitions, queuePrefix } from './partitions.ts';

export interface PartitionCounts {
  /** The number of partitions that may contain jobs. */
  readonly all: number;
  /** The number of partitions that new jobs are distributed over. */
  readonly active: number;
}

/** Every method @throws if Redis does not answer */
export class PartitionCounter {
  readonly #redis: Redis;
  readonly #activeKey: string;
  /** BullMQ's counters of jobs, of partition 1 and up. One exists once a job was added, and is not deleted. */
  readonly #jobCounterKeys: readonly string[];

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#activeKey = `${queuePrefix(prefix)}:active-partitions`;
    this.#jobCounterKeys = Array.from({ length: maxPartitions - 1 }, (_, index) => jobCounterKey(prefix, index + 1));
  }

  /**
   * Adapts the distribution of new jobs to the number of workers.
   * @param mayLower false as long as workers may only seem to be missing
   * @returns the number of partitions that may contain jobs
   */
  async report(workers: number, mayLower: boolean): Promise<number> {
    const count = Math.min(workers, maxPartitions);
    const { used, stored } = await this.#read();
    const active = mayLower ? count : Math.max(count, stored ?? used);
    if (active !== stored) await this.#redis.set(this.#activeKey, active);
    return Math.max(active, used);
  }

  async read(): Promise<PartitionCounts> {
    const { used, stored } = await this.#read();
    const active = stored ?? used;
    return { all: Math.max(active, used), active };
  }

  /** The partitions that have had jobs, and the number that was reported last. Not a pipeline: a cluster has the keys on several servers. */
  async #read(): Promise<{ readonly used: number; readonly stored: number | undefined }> {
    const [stored, ...exist] = await Promise.all([
      this.#redis.get(this.#activeKey),
      ...this.#jobCounterKeys.map((key) => this.#redis.exists(key)),
    ]);
    return { used: exist.lastIndexOf(1) + 2, stored: stored === null ? undefined : Number(stored) };
  }
}

function jobCounterKey(prefix: string, partition: number): string {
  const name = getPartitionName(prefix, partition);
  return `${name.prefix}:${name.queue}:id`;
}
