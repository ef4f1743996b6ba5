/**
 * Group commit on the way in: one piece of work at a time, and not more often than every few milliseconds; what comes
 * meanwhile goes together into the next. Who comes alone is served at once, and the more come, the less each of them costs.
 * Work that has come to take longer, since whoever does it is busy, is done less often.
 */
import { setTimeout as delay, setImmediate } from 'node:timers/promises';

interface BatcherOptions<Item, Result> {
  readonly process: (items: readonly Item[]) => Promise<Result>;
  readonly estimateBytes: (item: Item) => number;
  /** What goes together weighs no more than this, unless it is one alone. */
  readonly maxBytes: number;
  readonly maxItems: number;
  /** From the start of one piece of work to that of the next: the least, and the most that slow work makes of it. */
  readonly minIntervalMs: number;
  readonly maxIntervalMs: number;
}

/** Work takes no more than a third of the time, as long as the longest interval allows that. */
const intervalRatio = 3;
/** How much the newest piece of work counts in the average of how long one takes. */
const smoothingFactor = 0.2;

/**
 * How many are told of the answer in one turn of the event loop: each has its own work to do then, and what has nothing to
 * do with it should not wait for all of them.
 */
const settledPerTick = 8;

interface QueuedItem<Item, Result> {
  readonly item: Item;
  readonly resolve: (answer: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher<Item, Result> {
  readonly #options: BatcherOptions<Item, Result>;
  readonly #queue: QueuedItem<Item, Result>[] = [];
  #isRunning = false;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** How long a piece of work takes of late, in ms. */
  #averageProcessMs = 0;

  constructor(options: BatcherOptions<Item, Result>) {
    this.#options = options;
  }

  /** Resolves or rejects as the work does that the item goes into. Items go in the order in which they came. */
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
      // A timer takes a millisecond at least.
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
    const { minIntervalMs, maxIntervalMs } = this.#options;
    return Math.min(maxIntervalMs, Math.max(minIntervalMs, intervalRatio * this.#averageProcessMs));
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
