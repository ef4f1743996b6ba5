/**
 * Micro-batching: one batch is processed at a time, and items that arrive meanwhile form the next one. A single item is processed
 * immediately; under load, the cost of an item falls as batches grow. An idle downstream stage delays nothing: the interval between
 * batches is a multiple of a batch's duration, and grows further as the process runs out of CPU time, since larger batches then
 * relieve both.
 */
import { setTimeout as delay, setImmediate } from 'node:timers/promises';

interface BatcherOptions<Item, Result> {
  readonly process: (items: readonly Item[]) => Promise<Result>;
  readonly estimateBytes: (item: Item) => number;
  /** The limit of a batch, unless a single item exceeds it. */
  readonly maxBytes: number;
  readonly maxItems: number;
  /** The limit of the adaptive interval between the starts of two batches. */
  readonly maxIntervalMs: number;
  /** How busy the process is, from 0 to 1. */
  readonly readLoad: () => number;
}

/** The interval in multiples of the average duration of a batch: processing takes at most a third of the time. */
const intervalRatio = 3;
/** The load above which the interval grows, linearly up to its limit at full load. */
const highLoad = 0.7;
/** The weight of the newest batch in the exponential moving average of the duration. */
const smoothingFactor = 0.2;

/** How many promises are settled in one tick of the event loop: their continuations must not block it. */
const settledPerTick = 8;

interface QueuedItem<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher<Item, Result> {
  readonly #options: BatcherOptions<Item, Result>;
  readonly #queue: QueuedItem<Item, Result>[] = [];
  #isRunning = false;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** An exponential moving average. */
  #averageProcessMs = 0;

  constructor(options: BatcherOptions<Item, Result>) {
    this.#options = options;
  }

  /** Settles as the batch of the item does. Items are processed in the order of the calls. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#queue.length > 0) {
      const delayMs = this.#startedAt + this.#intervalMs() - performance.now();
      // A timer has a resolution of one millisecond.
      if (delayMs >= 1) await delay(delayMs);
      this.#startedAt = performance.now();
      const batch = this.#nextBatch();
      try {
        const result = await this.#options.process(batch.map(({ item }) => item));
        void settleInChunks(batch, ({ resolve }) => resolve(result));
      } catch (error) {
        void settleInChunks(batch, ({ reject }) => reject(error));
      }
      this.#averageProcessMs += smoothingFactor * (performance.now() - this.#startedAt - this.#averageProcessMs);
    }
    this.#isRunning = false;
  }

  #intervalMs(): number {
    const { maxIntervalMs, readLoad } = this.#options;
    const excessLoad = Math.max(0, (readLoad() - highLoad) / (1 - highLoad));
    return Math.min(maxIntervalMs, Math.max(intervalRatio * this.#averageProcessMs, excessLoad * maxIntervalMs));
  }

  #nextBatch(): QueuedItem<Item, Result>[] {
    const { estimateBytes, maxBytes, maxItems } = this.#options;
    let bytes = 0;
    const end = this.#queue.findIndex(({ item }, index) => {
      bytes += estimateBytes(item);
      return index > 0 && (index === maxItems || bytes > maxBytes);
    });
    return this.#queue.splice(0, end === -1 ? this.#queue.length : end);
  }
}

async function settleInChunks<Item>(items: readonly Item[], settle: (item: Item) => void): Promise<void> {
  for (let from = 0; from < items.length; from += settledPerTick) {
    if (from > 0) await setImmediate();
    for (const item of items.slice(from, from + settledPerTick)) settle(item);
  }
}
