/**
 * Enqueues updates for the API and the CLI: batches requests into jobs, uses the fallback queue while the queue's Redis is
 * unavailable, and reports how durably each update is stored.
 */

import { once } from 'node:events';
import type { Telemetry } from 'bullmq';
import type { Redis } from 'ioredis';
import { type ApplyUpdates, applyUpdatesJob } from '../contract/job.ts';
import type { Durability } from '../contract/messages.ts';
import { DurabilityMonitor } from '../durability/durability-monitor.ts';
import { FieldError } from '../errors.ts';
import { EventLoopLoad } from '../process/event-loop-load.ts';
import type { Logger } from '../process/logger.ts';
import { withTimeout } from '../process/with-timeout.ts';
import { connectRedis, failFast } from '../redis/connect.ts';
import { Batcher } from './batcher.ts';
import type { FallbackQueue, OpenFallbackQueue } from './fallback-queue.ts';
import { estimateJobBytes } from './job-size.ts';
import { PartitionedQueue, type UpdatesQueue } from './partitioned-queue.ts';
import type { QueueStats } from './queue-stats.ts';
import { type QueueMemory, readQueueDurability, readQueueMemory } from './redis-health.ts';

/** Accepts jobs while Redis is unavailable. */
export interface Fallback {
  readonly queue: FallbackQueue;
  /** The durability of the jobs in it. */
  readonly durability: Pick<DurabilityMonitor, 'durability'>;
}

/** The BullMQ priority of jobs that workers take only when no job without a priority is waiting. */
export const lowPriority = 10;

export interface UpdateProducerOptions {
  readonly url: string;
  /** Separates the keys of one installation from those of others on the same Redis. */
  readonly prefix: string;
  /** Propagates traces through the queue. */
  readonly telemetry?: Telemetry;
  /** Whether the active span is sampled. */
  readonly isTraced?: () => boolean;
}

/**
 * Shorter than elsewhere: after a timeout the same jobs go to the fallback queue, and both attempts together must stay below
 * the 2 s within which a request is answered.
 */
const redisTimeoutMs = 800;
const probeIntervalMs = 500;

/** The limits of one job with several requests, far below the size of a single large request. */
const maxJobBytes = 128 * 1024;
const maxRequestsPerJob = 100;
/** The limit of the interval between two jobs of one queue. */
const maxIntervalMs = 50;
/** Short, since the waiting operator may need only the other queues. */
const lookTimeoutMs = 500;
/** The weight of the newest job in the exponential moving average of requests per job. */
const smoothingFactor = 0.05;

export class UpdateProducer {
  readonly queues: PartitionedQueue;
  readonly #redis: Redis;
  readonly #fallback: Fallback | undefined;
  /** How durable the jobs in Redis are. */
  readonly durability: DurabilityMonitor;
  readonly #log: Logger;
  readonly #isTraced: () => boolean;
  readonly #batchers = new Map<UpdatesQueue, Batcher<ApplyUpdates, Durability>>();
  readonly #load = new EventLoopLoad();
  #requestsPerJob = 1;
  #isRedisUnavailable = false;
  #isClosed = false;

  /** @param fallback without it, jobs are rejected while Redis is unavailable */
  constructor(
    { url, prefix, telemetry, isTraced = () => false }: UpdateProducerOptions,
    log: Logger,
    fallback?: Fallback,
  ) {
    this.#log = log;
    this.#fallback = fallback;
    this.#isTraced = isTraced;
    this.#redis = connectRedis(url, 'queue', log, { ...failFast, commandTimeout: redisTimeoutMs });
    const onError = (error: Error) => log.debug({ err: error }, 'queue error');
    this.queues = new PartitionedQueue(this.#redis, { prefix, telemetry, onError });
    this.durability = new DurabilityMonitor({ server: 'queue', read: () => readQueueDurability(this.#redis), log });
    this.#redis.on('close', () => this.durability.invalidate());
    this.#redis.on('ready', () => void this.#refresh().catch((err) => log.debug({ err }, 'queue refresh failed')));
    this.durability.start();
  }

  /** Resolves once Redis is connected and its durability is known. */
  async ready(): Promise<void> {
    if (this.#redis.status !== 'ready') await once(this.#redis, 'ready');
    await this.#refresh();
  }

  /**
   * Enqueues the updates of one request and resolves with their durability. The overhead of a job is ten times the cost of its
   * updates, so requests are batched; a traced request has its own job, which carries its trace, and so does a low-priority one.
   * @throws FieldError `queue_unavailable`; the request may have been added nevertheless and is safe to resend
   */
  async enqueue(
    job: ApplyUpdates,
    { isLowPriority = false }: { readonly isLowPriority?: boolean } = {},
  ): Promise<Durability> {
    if (isLowPriority) return this.enqueueAll([job], { priority: lowPriority });
    const queue = this.queues.queueFor(job.field);
    if (this.#isTraced()) return this.#addBatch(queue, [job]);
    return this.#batcherFor(queue).add(job);
  }

  /**
   * Enqueues many jobs at once. With a priority, workers take them only when no job without one is waiting; such jobs never go to
   * the fallback queue, which has no priorities.
   * @throws FieldError `queue_unavailable`; some may have been added nevertheless
   */
  async enqueueAll(
    jobs: readonly ApplyUpdates[],
    { priority }: { readonly priority?: number | undefined } = {},
  ): Promise<Durability> {
    const options = priority === undefined ? {} : { opts: { priority } };
    const jobsByQueue = new Map<UpdatesQueue, ApplyUpdates[]>();
    for (const job of jobs) {
      const queue = this.queues.queueFor(job.field);
      jobsByQueue.set(queue, [...(jobsByQueue.get(queue) ?? []), job]);
    }
    const addToQueue = ([queue, queueJobs]: readonly [UpdatesQueue, ApplyUpdates[]]) =>
      queue.addBulk(queueJobs.map((data) => ({ name: applyUpdatesJob, data, ...options })));
    const addAll = () => Promise.all([...jobsByQueue].map(addToQueue));
    return this.#add(jobs, addAll, priority === undefined ? this.#fallback : undefined);
  }

  /**
   * Estimates the unfinished requests in both queues from the number of jobs and the average of requests per job. Refreshes
   * the partitions as well, so that a producer that counts regularly follows changes of the worker group.
   * @throws if a queue that is in use does not answer
   */
  async countBacklog(): Promise<number> {
    const inFallback = (await this.#fallback?.queue.countBacklog()) ?? 0;
    if (this.#isRedisUnavailable) return inFallback;
    await this.queues.refresh();
    const inRedis = await this.queues.countJobs('waiting', 'active', 'delayed', 'prioritized');
    return Math.round(inRedis * this.#requestsPerJob) + inFallback;
  }

  /** The statistics of both queues; undefined for a queue that does not answer or is not used. */
  async readStats(): Promise<{ redis: QueueStats | undefined; postgres: QueueStats | undefined }> {
    const logFailure = (err: unknown) => void this.#log.debug({ err }, 'queue stats read failed');
    const [redis, postgres] = await Promise.all([
      this.queues.readStats().catch(logFailure),
      this.#fallback?.queue.readStats().catch(logFailure),
    ]);
    return { redis: redis ?? undefined, postgres: postgres ?? undefined };
  }

  /** The queue in PostgreSQL, for inspection; undefined if it is not used, or does not answer. */
  async findFallbackQueue(): Promise<OpenFallbackQueue | undefined> {
    const opening = this.#fallback && withTimeout(this.#fallback.queue.openForReading(), lookTimeoutMs);
    return opening?.catch((err: unknown) => void this.#log.debug({ err }, 'fallback queue not opened'));
  }

  /** The memory of the queue's Redis; undefined while it is unavailable. @throws if it does not answer */
  async readMemory(): Promise<QueueMemory | undefined> {
    if (this.#isRedisUnavailable) return undefined;
    return readQueueMemory(this.#redis);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.durability.close();
    await this.queues.close();
    await this.#fallback?.queue.close();
    this.#redis.disconnect();
  }

  async #refresh(): Promise<void> {
    await Promise.all([this.durability.refresh(), this.queues.refresh()]);
  }

  #batcherFor(queue: UpdatesQueue): Batcher<ApplyUpdates, Durability> {
    const known = this.#batchers.get(queue);
    if (known) return known;
    const batcher = new Batcher<ApplyUpdates, Durability>({
      process: (jobs) => this.#addBatch(queue, jobs),
      estimateBytes: estimateJobBytes,
      maxBytes: maxJobBytes,
      maxItems: maxRequestsPerJob,
      maxIntervalMs,
      readLoad: () => this.#load.read(),
    });
    this.#batchers.set(queue, batcher);
    return batcher;
  }

  async #addBatch(queue: UpdatesQueue, jobs: readonly ApplyUpdates[]): Promise<Durability> {
    const [first] = jobs;
    this.#requestsPerJob += smoothingFactor * (jobs.length - this.#requestsPerJob);
    const data = jobs.length === 1 && first ? first : { together: jobs };
    return this.#add(jobs, () => queue.add(applyUpdatesJob, data), this.#fallback);
  }

  async #add(
    jobs: readonly ApplyUpdates[],
    addToRedis: () => Promise<unknown>,
    fallback: Fallback | undefined,
  ): Promise<Durability> {
    let cause: unknown;
    if (!this.#isRedisUnavailable) {
      try {
        // In a cluster, a command waits for the new master of its slot for longer than the timeout of each attempt.
        await (fallback ? withTimeout(addToRedis(), redisTimeoutMs) : addToRedis());
        return this.durability.durability;
      } catch (error) {
        cause = error;
        this.#markRedisUnavailable();
      }
    }
    try {
      if (fallback) {
        await fallback.queue.add(jobs);
        return fallback.durability.durability;
      }
    } catch (error) {
      cause = new AggregateError([cause, error].filter(Boolean), 'neither queue accepted the updates');
    }
    throw new FieldError('queue_unavailable', { retryAfterSeconds: 2, cause });
  }

  /** Skips Redis until a probe succeeds, so that requests do not wait for the timeout of an unavailable server. */
  #markRedisUnavailable(): void {
    if (this.#isRedisUnavailable || !this.#fallback) return;
    this.#isRedisUnavailable = true;
    this.#log.warn('queue Redis unavailable; using the fallback queue');
    const probe = async () => {
      try {
        await this.#redis.ping();
        this.#isRedisUnavailable = false;
        this.#log.info('queue Redis available again');
      } catch {
        if (!this.#isClosed) setTimeout(() => void probe(), probeIntervalMs);
      }
    };
    setTimeout(() => void probe(), probeIntervalMs);
  }
}
