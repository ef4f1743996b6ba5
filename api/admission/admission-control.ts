/**
 * Turns updates away before memory grows, here or in the queue: when too many jobs wait, when the queue's Redis holds too
 * much, or when this process has too many bytes of requests in hand.
 */
import { FieldError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { InFlightBytes } from './in-flight-bytes.ts';

const pollIntervalMs = 500;
const retryAfterSeconds = 5;
/** A full Redis takes no writes at all, not even those of the workers that would empty it. */
const maxMemoryRatio = 0.7;
/** Of the jobs that may wait. */
const congestionRatio = 0.1;
const bytesPerMb = 1024 ** 2;
/** Bodies that may be on their way in at once. Parsed, they take several times as much. */
const maxInFlightBytes = 128 * bytesPerMb;

export function createOverloadedError(): FieldError {
  return new FieldError('overloaded', { retryAfterSeconds });
}

interface AdmissionControlOptions {
  readonly maxJobs: number;
  readonly maxQueueMemoryMb: number;
}

interface AdmissionControlDeps extends AdmissionControlOptions {
  readonly producer: UpdateProducer;
  readonly log: Logger;
  readonly onBacklogCount: (waiting: number) => void;
}

export class AdmissionControl {
  readonly #deps: AdmissionControlDeps;
  readonly inFlight = new InFlightBytes();
  #waitingJobs = 0;
  /** Jobs added by this process since the last look. */
  #enqueuedSincePoll = 0;
  /** Of the queue's memory, as of the last look. */
  #usedBytes = 0;
  #memoryLimitBytes = Number.POSITIVE_INFINITY;
  /** What this process has let in, and no look at the memory has seen; and what of that is in the queue. */
  #unaccountedBytes = 0;
  #unaccountedEnqueuedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(deps: AdmissionControlDeps) {
    this.#deps = deps;
  }

  start(): void {
    void this.#poll();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Whether so much waits that workers want for nothing. */
  get isCongested(): boolean {
    return this.#waitingJobs + this.#enqueuedSincePoll > congestionRatio * this.#deps.maxJobs;
  }

  /** Whether the queue holds all that it may. */
  get isOverloaded(): boolean {
    const isMemoryFull = this.#usedBytes + this.#unaccountedBytes > this.#memoryLimitBytes;
    return isMemoryFull || this.#waitingJobs + this.#enqueuedSincePoll > this.#deps.maxJobs;
  }

  /** @throws FieldError `overloaded` */
  assertCapacity(): void {
    if (this.isOverloaded || this.inFlight.total > maxInFlightBytes) throw createOverloadedError();
  }

  /** Counts a job while and after it is added: a rush between two looks must not overfill the queue either. */
  async trackEnqueue<T>(bytes: number, enqueue: () => Promise<T>): Promise<T> {
    this.#unaccountedBytes += bytes;
    try {
      return await enqueue();
    } finally {
      this.#enqueuedSincePoll += 1;
      this.#unaccountedEnqueuedBytes += bytes;
    }
  }

  async #poll(): Promise<void> {
    // When one of them cannot be had, what was last seen of it is the best guess. Adding will say that the queue is away.
    const ignore = (error: unknown) => this.#deps.log.debug({ err: error }, 'backlog not known');
    await Promise.all([this.#refreshJobCount().catch(ignore), this.#refreshMemory().catch(ignore)]);
    if (!this.#closed) this.#timer = setTimeout(() => void this.#poll(), pollIntervalMs);
  }

  async #refreshJobCount(): Promise<void> {
    const { producer, onBacklogCount } = this.#deps;
    this.#waitingJobs = await producer.countBacklog();
    this.#enqueuedSincePoll = 0;
    onBacklogCount(this.#waitingJobs);
  }

  async #refreshMemory(): Promise<void> {
    const { producer, maxQueueMemoryMb } = this.#deps;
    const accountedBytes = this.#unaccountedEnqueuedBytes;
    const memory = await producer.readMemory();
    this.#unaccountedBytes -= accountedBytes;
    this.#unaccountedEnqueuedBytes -= accountedBytes;
    this.#usedBytes = memory?.usedBytes ?? 0;
    // While PostgreSQL stands in, there is no Redis to fill.
    const limitBytes = Math.min(maxQueueMemoryMb * bytesPerMb, (memory?.maxBytes || Infinity) * maxMemoryRatio);
    this.#memoryLimitBytes = memory ? limitBytes : Number.POSITIVE_INFINITY;
  }
}
