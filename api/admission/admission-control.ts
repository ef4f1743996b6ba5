/**
 * Turns updates away before memory grows, here or in the queue: when too many jobs wait, when the queue's Redis holds too
 * much, or when this process has too many bytes of requests in hand.
 */
import { FieldError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { BytesInHand } from './in-flight-bytes.ts';

const pollMs = 500;
const retryAfterSeconds = 5;
/** A full Redis takes no writes at all, not even those of the workers that would empty it. */
const maxMemoryShare = 0.7;
/** Of the jobs that may wait. */
const longShare = 0.1;
const bytesPerMb = 1024 ** 2;
/** Bodies that may be on their way in at once. Parsed, they take several times as much. */
const maxBytesInHand = 128 * bytesPerMb;

export function overloaded(): FieldError {
  return new FieldError('overloaded', { retryAfterSeconds });
}

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
  readonly inHand = new BytesInHand();
  #waiting = 0;
  /** Jobs added by this process since the last look. */
  #added = 0;
  /** Of the queue's memory, as of the last look. */
  #usedBytes = 0;
  #mostBytes = Number.POSITIVE_INFINITY;
  /** What this process has let in, and no look at the memory has seen; and what of that is in the queue. */
  #unseenBytes = 0;
  #unseenAddedBytes = 0;
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

  /** Whether so much waits that workers want for nothing. */
  get isLong(): boolean {
    return this.#waiting + this.#added > longShare * this.#options.maxJobs;
  }

  /** Whether the queue holds all that it may. */
  get isFull(): boolean {
    const isMemoryFull = this.#usedBytes + this.#unseenBytes > this.#mostBytes;
    return isMemoryFull || this.#waiting + this.#added > this.#options.maxJobs;
  }

  /** @throws FieldError `overloaded` */
  check(): void {
    if (this.isFull || this.inHand.sum > maxBytesInHand) throw overloaded();
  }

  /** Counts a job while and after it is added: a rush between two looks must not overfill the queue either. */
  async count<T>(bytes: number, add: () => Promise<T>): Promise<T> {
    this.#unseenBytes += bytes;
    try {
      return await add();
    } finally {
      this.#added += 1;
      this.#unseenAddedBytes += bytes;
    }
  }

  async #poll(): Promise<void> {
    // When one of them cannot be had, what was last seen of it is the best guess. Adding will say that the queue is away.
    const ignore = (error: unknown) => this.#options.log.debug({ err: error }, 'backlog not known');
    await Promise.all([this.#countJobs().catch(ignore), this.#lookAtMemory().catch(ignore)]);
    if (!this.#closed) this.#timer = setTimeout(() => void this.#poll(), pollMs);
  }

  async #countJobs(): Promise<void> {
    const { producer, onCount } = this.#options;
    this.#waiting = await producer.countBacklog();
    this.#added = 0;
    onCount(this.#waiting);
  }

  async #lookAtMemory(): Promise<void> {
    const { producer, maxQueueMemoryMb } = this.#options;
    const seenBytes = this.#unseenAddedBytes;
    const memory = await producer.readMemory();
    this.#unseenBytes -= seenBytes;
    this.#unseenAddedBytes -= seenBytes;
    this.#usedBytes = memory?.usedBytes ?? 0;
    // While PostgreSQL stands in, there is no Redis to fill.
    const mark = Math.min(maxQueueMemoryMb * bytesPerMb, (memory?.maxBytes || Infinity) * maxMemoryShare);
    this.#mostBytes = memory ? mark : Number.POSITIVE_INFINITY;
  }
}
