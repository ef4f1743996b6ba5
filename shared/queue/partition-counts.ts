/**
 * How many partitions the queue has. New jobs are distributed over as many as there are workers. Workers report that number, which
 * never expires, since it is only a hint. More partitions may have jobs, from times with more workers, or if Redis has lost the
 * number; they are found by the key that BullMQ stores with the first job of each.
 */
import type { Redis } from 'ioredis';
import { getPartitionName, maxPartitions, queuePrefix } from './partitions.ts';

export interface PartitionCounts {
  /** The number of partitions that may contain jobs. */
  readonly all: number;
  /** The number of partitions that new jobs are distributed over. */
  readonly active: number;
}

/** New partitions are active first, so it suffices to read rarely which others have had jobs. */
const usedReadMs = 5000;

/** Every method @throws if Redis does not answer */
export class PartitionCounter {
  readonly #redis: Redis;
  readonly #activeKey: string;
  /** The keys of BullMQ's job counters, for partition 1 and up. A counter exists once a job was added, and is never deleted. */
  readonly #jobCounterKeys: readonly string[];
  /** The last result of `read`. */
  #found: { readonly used: number; readonly stored: number | undefined; readonly at: number } | undefined;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#activeKey = `${queuePrefix(prefix)}:active-partitions`;
    this.#jobCounterKeys = Array.from({ length: maxPartitions - 1 }, (_, index) => jobCounterKey(prefix, index + 1));
  }

  /**
   * Adapts the distribution of new jobs to the number of workers.
   * @param mayLower false while workers may only seem to be missing
   * @returns the number of partitions that may contain jobs
   */
  async report(workers: number, mayLower: boolean): Promise<number> {
    const count = Math.min(workers, maxPartitions);
    const [stored, used] = await Promise.all([this.#readStored(), this.#readUsed()]);
    const active = mayLower ? count : Math.max(count, stored ?? used);
    if (active !== stored) await this.#redis.set(this.#activeKey, active);
    return Math.max(active, used);
  }

  async read(): Promise<PartitionCounts> {
    const stored = await this.#readStored();
    const now = performance.now();
    if (!this.#found || this.#found.stored !== stored || now - this.#found.at >= usedReadMs) {
      this.#found = { used: await this.#readUsed(), stored, at: now };
    }
    const { used } = this.#found;
    const active = stored ?? used;
    return { all: Math.max(active, used), active };
  }

  /** The number of active partitions that was reported last. */
  async #readStored(): Promise<number | undefined> {
    const stored = await this.#redis.get(this.#activeKey);
    return stored === null ? undefined : Number(stored);
  }

  /** How many partitions have had jobs. Not a pipeline: a cluster has the keys on several servers. */
  async #readUsed(): Promise<number> {
    const exist = await Promise.all(this.#jobCounterKeys.map((key) => this.#redis.exists(key)));
    return exist.lastIndexOf(1) + 2;
  }
}

function jobCounterKey(prefix: string, partition: number): string {
  const name = getPartitionName(prefix, partition);
  return `${name.prefix}:${name.queue}:id`;
}
