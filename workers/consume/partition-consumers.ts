/** The consumers of the partitions that this worker has leased. */
import type { Logger } from '../../shared/process/logger.ts';

export interface Consumer {
  /** Sets the number of consumers that share this process's concurrency. Called on opening and on every change. */
  setConcurrencyShare(consumerCount: number): void;
  /** Stops taking jobs, and resolves when those in flight are finished. */
  close(): Promise<void>;
  /** Stops taking jobs, and returns those in flight to the queue. May also be called after `close`. */
  abandon(): Promise<void>;
}

interface PartitionConsumersDeps {
  readonly log: Logger;
  /** Starts consuming a partition. */
  readonly openConsumer: (partition: number) => Consumer;
  /** Called with the number of open consumers whenever it has changed. */
  readonly onChange?: (consumerCount: number) => void;
}

export class PartitionConsumers {
  readonly #deps: PartitionConsumersDeps;
  readonly #open = new Map<number, Consumer>();
  readonly #closing = new Map<Consumer, Promise<void>>();

  constructor(deps: PartitionConsumersDeps) {
    this.#deps = deps;
  }

  /** The partitions that are consumed. */
  get partitions(): number[] {
    return [...this.#open.keys()];
  }

  open(partitions: readonly number[]): void {
    for (const partition of partitions) this.#open.set(partition, this.#deps.openConsumer(partition));
    this.#shareConcurrency();
  }

  /** Resolves when the jobs in flight are finished. */
  async close(partition: number): Promise<void> {
    const consumer = this.#open.get(partition);
    if (!consumer) return;
    this.#open.delete(partition);
    this.#shareConcurrency();
    await this.#close(partition, consumer, consumer.close());
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.partitions.map((partition) => this.close(partition)), ...this.#closing.values()]);
  }

  /** Stops immediately, because another worker may now consume the partitions. */
  abandonAll(): void {
    for (const [consumer] of this.#closing) void consumer.abandon().catch(() => undefined);
    for (const [partition, consumer] of this.#open) void this.#close(partition, consumer, consumer.abandon());
    this.#open.clear();
    this.#shareConcurrency();
  }

  #close(partition: number, consumer: Consumer, closed: Promise<void>): Promise<void> {
    const closing = closed
      .catch((err) => this.#deps.log.debug({ err, partition }, 'closing a partition consumer failed'))
      .finally(() => this.#closing.delete(consumer));
    this.#closing.set(consumer, closing);
    return closing;
  }

  #shareConcurrency(): void {
    for (const consumer of this.#open.values()) consumer.setConcurrencyShare(this.#open.size);
    this.#deps.onChange?.(this.#open.size);
  }
}
