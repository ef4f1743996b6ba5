/**
 * Turns updates away before memory grows, here or in the queue: when too many jobs wait, when the queue's Redis holds too
 * much, or when this process has too many bytes of requests in hand.
 */
import { FieldError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { UpdateProducer } from '../shared/update-queue.ts';

const pollMs = 500;
const retryAfterSeconds = 5;
/** A full Redis takes no writes at all, not even those of the workers that would empty it. */
const maxMemoryShare = 0.7;
const bytesPerMb = 1024 ** 2;
/** Bodies that may be on their way in at once. Parsed, they take several times as much. */
const maxBytesInHand = 128 * bytesPerMb;

interface BacklogLimits {
  readonly maxJobs: number;
  readonly maxQueueMemoryMb: number;
}

interface BacklogOptions extends BacklogLimits {
  readonly producer: UpdateProducer;
  readonly log: Logger;
  readonly onCount: (waiting: number) => void;
}

export class Backlog {
  readonly #options: BacklogOptions;
  #waiting = 0;
  /** Jobs added by this process since the last look. */
  #added = 0;
  #isQueueFull = false;
  #bytesInHand = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#poll();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Whether the queue holds all that it may. */
  get isFull(): boolean {
    return this.#isQueueFull || this.#waiting + this.#added > this.#options.maxJobs;
  }

  /** @throws FieldError `overloaded` */
  check(): void {
    if (this.isFull || this.#bytesInHand > maxBytesInHand) throw new FieldError('overloaded', { retryAfterSeconds });
  }

  noteAdded(): void {
    this.#added += 1;
  }

  /** Counts the bytes of a request until the function that is returned is called. */
  take(bytes: number): () => void {
    this.#bytesInHand += bytes;
    return () => {
      this.#bytesInHand -= bytes;
    };
  }

  async #poll(): Promise<void> {
    const { producer, log, onCount, maxQueueMemoryMb } = this.#options;
    try {
      const [waiting, memory] = await Promise.all([producer.countBacklog(), producer.readMemory()]);
      this.#waiting = waiting;
      this.#added = 0;
      const mark = Math.min(maxQueueMemoryMb * bytesPerMb, (memory?.maxBytes || Infinity) * maxMemoryShare);
      this.#isQueueFull = memory !== undefined && memory.usedBytes > mark;
      onCount(waiting);
    } catch (error) {
      // The queue is away: adding to it will say so. What waited before is the best guess for when it is back.
      log.debug({ err: error }, 'backlog not known');
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.#poll(), pollMs);
  }
}
