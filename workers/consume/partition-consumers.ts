/**
 * The queues that this worker reads: its share of those in use, which it looks at anew with every beat. A worker that comes
 * or goes is noticed by the others with their next one, and one that dies within three seconds.
 */
import { once } from 'node:events';
import type { Redis } from 'ioredis';
import type { Logger } from '../../shared/process/logger.ts';
import { maxPartitions } from '../../shared/queue/partitions.ts';
import { beatEveryMs, type Roll, WorkerRegistry } from '../../shared/queue/worker-membership.ts';

const firstBeatLimitMs = 1000;

interface Reader {
  /** Takes its part of what this worker may have in hand, one of so many; told at once, and whenever that changes. */
  takePartOf(readers: number): void;
  close(): Promise<void>;
}

interface QueueReadersOptions {
  /** Fails fast. */
  readonly redis: Redis;
  /** `QUEUE_PREFIX`. */
  readonly prefix: string;
  /** This worker's name among the others. */
  readonly worker: string;
  readonly log: Logger;
  /** Begins to take jobs from a queue. */
  readonly open: (partition: number) => Reader;
}

export class QueueReaders {
  readonly #options: QueueReadersOptions;
  readonly #registry: WorkerRegistry;
  readonly #readers = new Map<number, Reader>();
  readonly #closing = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: QueueReadersOptions) {
    this.#options = options;
    this.#registry = new WorkerRegistry(options.redis, options.prefix);
  }

  /** Resolves once it reads; while Redis is away it begins with the first queue. */
  async start(): Promise<void> {
    const { redis } = this.#options;
    const signal = AbortSignal.timeout(firstBeatLimitMs);
    if (redis.status !== 'ready') await once(redis, 'ready', { signal }).catch(() => undefined);
    await this.#beat();
  }

  get isReading(): boolean {
    return this.#timer !== undefined && !this.#isClosed;
  }

  /** Leaves the queues to the others, and resolves when what is in hand is done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#registry.leave(this.#options.worker).catch(() => undefined);
    this.#read([]);
    await Promise.all(this.#closing);
  }

  async #beat(): Promise<void> {
    if (this.#isClosed) return;
    const { worker, log } = this.#options;
    try {
      const roll = await this.#registry.beat(worker);
      if (!this.#isClosed) this.#read(shareOf(roll, worker));
    } catch (err) {
      log.debug({ err }, 'the other workers cannot be seen');
      if (!this.#isClosed && this.#readers.size === 0) this.#read([0]);
    }
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#beat(), beatEveryMs);
  }

  #read(share: readonly number[]): void {
    const { open, log } = this.#options;
    for (const [partition, reader] of this.#readers) {
      if (share.includes(partition)) continue;
      this.#readers.delete(partition);
      const closing: Promise<void> = reader
        .close()
        .catch((err) => log.debug({ err, partition }, 'a queue could not be left'))
        .finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
    for (const partition of share) {
      if (!this.#readers.has(partition)) this.#readers.set(partition, open(partition));
    }
    for (const reader of this.#readers.values()) reader.takePartOf(share.length);
  }
}

/** Every queue has one reader, whichever workers there are. */
export function shareOf({ workers, partitions }: Roll, worker: string): number[] {
  const place = workers.indexOf(worker);
  const readers = Math.min(workers.length, maxPartitions);
  return Array.from({ length: partitions }, (_, partition) => partition).filter(
    (partition) => partition % readers === place,
  );
}
