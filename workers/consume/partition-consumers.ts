/**
 * Assigns the partitions of the queue to the workers, and consumes those of this worker. Assignments are recomputed with
 * every heartbeat: a worker that joins or leaves is noticed with the next one, and one that dies within three seconds.
 */
import { once } from 'node:events';
import type { Redis } from 'ioredis';
import type { Logger } from '../../shared/process/logger.ts';
import { maxPartitions } from '../../shared/queue/partitions.ts';
import { heartbeatIntervalMs, type Membership, WorkerMembership } from '../../shared/queue/worker-membership.ts';

const firstHeartbeatTimeoutMs = 1000;

export interface Consumer {
  /** Sets the number of consumers that share this process's concurrency. Called on opening and on every change. */
  setConcurrencyShare(consumerCount: number): void;
  close(): Promise<void>;
}

interface PartitionConsumersDeps {
  /** Fails fast. */
  readonly redis: Redis;
  /** `QUEUE_PREFIX`. */
  readonly prefix: string;
  /** Unique among the workers. */
  readonly workerId: string;
  readonly log: Logger;
  /** Starts consuming a partition. */
  readonly openConsumer: (partition: number) => Consumer;
}

export class PartitionConsumers {
  readonly #deps: PartitionConsumersDeps;
  readonly #membership: WorkerMembership;
  readonly #consumers = new Map<number, Consumer>();
  readonly #closing = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(deps: PartitionConsumersDeps) {
    this.#deps = deps;
    this.#membership = new WorkerMembership(deps.redis, deps.prefix);
  }

  /** Resolves once it consumes; while Redis is unavailable, it starts with the first partition. */
  async start(): Promise<void> {
    const { redis } = this.#deps;
    const signal = AbortSignal.timeout(firstHeartbeatTimeoutMs);
    if (redis.status !== 'ready') await once(redis, 'ready', { signal }).catch(() => undefined);
    await this.#heartbeat();
  }

  get isConsuming(): boolean {
    return this.#timer !== undefined && !this.#isClosed;
  }

  /** Releases the partitions, and resolves when the jobs in flight are finished. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#membership.leave(this.#deps.workerId).catch(() => undefined);
    this.#rebalance([]);
    await Promise.all(this.#closing);
  }

  async #heartbeat(): Promise<void> {
    if (this.#isClosed) return;
    const { workerId, log } = this.#deps;
    try {
      const membership = await this.#membership.heartbeat(workerId);
      if (!this.#isClosed) this.#rebalance(assignPartitions(membership, workerId));
    } catch (err) {
      log.debug({ err }, 'worker heartbeat failed');
      if (!this.#isClosed && this.#consumers.size === 0) this.#rebalance([0]);
    }
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#heartbeat(), heartbeatIntervalMs);
  }

  #rebalance(assigned: readonly number[]): void {
    const { openConsumer, log } = this.#deps;
    for (const [partition, consumer] of this.#consumers) {
      if (assigned.includes(partition)) continue;
      this.#consumers.delete(partition);
      const closing: Promise<void> = consumer
        .close()
        .catch((err) => log.debug({ err, partition }, 'closing a partition consumer failed'))
        .finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
    for (const partition of assigned) {
      if (!this.#consumers.has(partition)) this.#consumers.set(partition, openConsumer(partition));
    }
    for (const consumer of this.#consumers.values()) consumer.setConcurrencyShare(assigned.length);
  }
}

/** Distributes the partitions round-robin: each has exactly one consumer. */
export function assignPartitions({ workers, partitions }: Membership, workerId: string): number[] {
  const index = workers.indexOf(workerId);
  const consumerCount = Math.min(workers.length, maxPartitions);
  return Array.from({ length: partitions }, (_, partition) => partition).filter(
    (partition) => partition % consumerCount === index,
  );
}
