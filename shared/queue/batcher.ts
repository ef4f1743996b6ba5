/**
 * Group commit on the way in: one piece of work at a time, and not more often than every few milliseconds; what comes
 * meanwhile goes together into the next. Who comes alone is served at once, and the more come, the less each of them costs.
 * Work that has come to take longer, since whoever does it is busy, is done less often.
 */
import { setTimeout as delay, setImmediate as endOfTurn } from 'node:timers/promises';

interface GathererOptions<Item, Answer> {
  readonly work: (items: readonly Item[]) => Promise<Answer>;
  readonly weigh: (item: Item) => number;
  /** What goes together weighs no more than this, unless it is one alone. */
  readonly maxWeight: number;
  readonly maxItems: number;
  /** From the start of one piece of work to that of the next: the least, and the most that slow work makes of it. */
  readonly minIntervalMs: number;
  readonly maxIntervalMs: number;
}

/** Work takes no more than a third of the time, as long as the longest interval allows that. */
const intervalPerWork = 3;
/** How much the newest piece of work counts in the average of how long one takes. */
const averageShare = 0.2;

/**
 * How many are told of the answer in one turn of the event loop: each has its own work to do then, and what has nothing to
 * do with it should not wait for all of them.
 */
const toldPerTurn = 8;

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export class Gatherer<Item, Answer> {
  readonly #options: GathererOptions<Item, Answer>;
  readonly #waiting: Waiting<Item, Answer>[] = [];
  #isWorking = false;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** How long a piece of work takes of late, in ms. */
  #workMs = 0;

  constructor(options: GathererOptions<Item, Answer>) {
    this.#options = options;
  }

  /** Resolves or rejects as the work does that the item goes into. Items go in the order in which they came. */
  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isWorking) void this.#workThrough();
    });
  }

  async #workThrough(): Promise<void> {
    this.#isWorking = true;
    while (this.#waiting.length > 0) {
      const early = this.#startedAt + this.#intervalMs() - performance.now();
      // A timer takes a millisecond at least.
      if (early >= 1) await delay(early);
      this.#startedAt = performance.now();
      const taken = this.#take();
      try {
        const answer = await this.#options.work(taken.map(({ item }) => item));
        void inTurns(taken, ({ resolve }) => resolve(answer));
      } catch (error) {
        void inTurns(taken, ({ reject }) => reject(error));
      }
      this.#workMs += averageShare * (performance.now() - this.#startedAt - this.#workMs);
    }
    this.#isWorking = false;
  }

  #intervalMs(): number {
    const { minIntervalMs, maxIntervalMs } = this.#options;
    return Math.min(maxIntervalMs, Math.max(minIntervalMs, intervalPerWork * this.#workMs));
  }

  #take(): Waiting<Item, Answer>[] {
    const { weigh, maxWeight, maxItems } = this.#options;
    let weight = 0;
    const end = this.#waiting.findIndex(({ item }, index) => {
      weight += weigh(item);
      return index > 0 && (index === maxItems || weight > maxWeight);
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }
}

async function inTurns<One>(all: readonly One[], tell: (one: One) => void): Promise<void> {
  for (let from = 0; from < all.length; from += toldPerTurn) {
    if (from > 0) await endOfTurn();
    for (const one of all.slice(from, from + toldPerTurn)) tell(one);
  }
}
