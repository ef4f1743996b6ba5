/**
 * Admission control for updates: refuses them before memory runs out, in the queue's Redis or in this process. Counts what
 * this process adds between two polls of the queue, so that a burst does not overfill it either.
 */
import { FieldError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { InFlightBytes } from './in-flight-bytes.ts';

const pollIntervalMs = 500;
const retryAfterSeconds = 5;
/** A Redis at its `maxmemory` refuses all writes, including those of the workers that would drain the queue. */
const maxMemoryRatio = 0.7;
/** The queue counts as congested from this part of the maximum length on. */
const congestionRatio = 0.1;
/** Updates of low priority are refused from this part on: below congestion, so that they never slow down or displace others. */
const lowPriorityRatio = 0.05;
const bytesPerMb = 1024 ** 2;
/** Request bodies that may be received at once. A parsed body takes several times its size. */
export const maxInFlightBytes = 128 * bytesPerMb;

/** The `detail` of `overloaded`, by its cause. */
const overloadDetails = {
  queueLength: 'Too many updates are queued',
  lowPriority: 'Too many updates are queued for more of low priority',
  queueMemory: "The queue's memory is used up",
  inFlightBytes: 'This process is receiving too many bytes of updates at once',
  admissionWait: 'The request waited too long for admission',
  unhandledMessages: 'Too many messages of this user wait to be handled',
} as const;

type OverloadCause = keyof typeof overloadDetails;

export function createOverloadedError(cause: OverloadCause): FieldError {
  return new FieldError('overloaded', { detail: overloadDetails[cause], retryAfterSeconds });
}

interface AdmissionControlDeps {
  readonly producer: Pick<UpdateProducer, 'countBacklog' | 'readMemory'>;
  readonly maxJobs: number;
  readonly maxQueueMemoryMb: number;
  readonly log: Logger;
  readonly onBacklogCount: (waiting: number) => void;
}

export class AdmissionControl {
  readonly #deps: AdmissionControlDeps;
  readonly inFlight = new InFlightBytes();
  #waitingJobs = 0;
  #enqueuedSincePoll = 0;
  /** Memory of the queue's Redis at the last poll. */
  #usedBytes = 0;
  #memoryLimitBytes = Number.POSITIVE_INFINITY;
  /** Bytes of jobs that the last reading of the memory did not include. */
  #unaccountedBytes = 0;
  /** The part of them that has been enqueued, which the next reading will include. */
  #unaccountedEnqueuedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(deps: AdmissionControlDeps) {
    this.#deps = deps;
  }

  start(): void {
    void this.#poll();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Whether the workers have enough to do, so that accepting updates faster only makes the queue longer. */
  get isCongested(): boolean {
    return this.#backlog > congestionRatio * this.#deps.maxJobs;
  }

  /** Whether the queue is full, by length or by memory. */
  get isOverloaded(): boolean {
    return this.#backlog > this.#deps.maxJobs || this.#queueBytes > this.#memoryLimitBytes;
  }

  /**
   * Bodies that are being received count as memory of the queue already, because they all end there. The length can
   * overshoot by the number of requests that are received at once.
   * @throws FieldError `overloaded`
   */
  assertCapacity(): void {
    if (this.#backlog > this.#deps.maxJobs) throw createOverloadedError('queueLength');
    if (this.#queueBytes + this.inFlight.total > this.#memoryLimitBytes) throw createOverloadedError('queueMemory');
    if (this.inFlight.total > maxInFlightBytes) throw createOverloadedError('inFlightBytes');
  }

  /** @throws FieldError `overloaded`, long before others are refused */
  assertLowPriorityCapacity(): void {
    if (this.#backlog > lowPriorityRatio * this.#deps.maxJobs) throw createOverloadedError('lowPriority');
  }

  /** Counts the bytes of a job from before it is enqueued until a poll includes them. */
  async trackEnqueue<T>(bytes: number, enqueue: () => Promise<T>): Promise<T> {
    this.#unaccountedBytes += bytes;
    try {
      return await enqueue();
    } finally {
      this.#enqueuedSincePoll += 1;
      this.#unaccountedEnqueuedBytes += bytes;
    }
  }

  get #backlog(): number {
    return this.#waitingJobs + this.#enqueuedSincePoll;
  }

  get #queueBytes(): number {
    return this.#usedBytes + this.#unaccountedBytes;
  }

  async #poll(): Promise<void> {
    // The last known values stay in use when a poll fails. If the queue is down, adding to it fails with its own error.
    const ignore = (error: unknown) => this.#deps.log.debug({ err: error }, 'backlog poll failed');
    await Promise.all([this.#refreshJobCount().catch(ignore), this.#refreshMemory().catch(ignore)]);
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#poll(), pollIntervalMs);
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
    const limitBytes = Math.min(maxQueueMemoryMb * bytesPerMb, (memory?.maxBytes || Infinity) * maxMemoryRatio);
    // Without a reading the fallback queue in PostgreSQL is in use, which has no memory limit.
    this.#memoryLimitBytes = memory ? limitBytes : Number.POSITIVE_INFINITY;
  }
}
