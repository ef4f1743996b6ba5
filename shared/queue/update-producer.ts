/**
 * The way into the queue, for the API and the CLI: adds jobs, turns to PostgreSQL while the queue's Redis is away, and
 * knows how durable an accepted update really is.
 */
import { once } from 'node:events';
import type { Telemetry } from 'bullmq';
import type { Redis } from 'ioredis';
import { type ApplyUpdates, applyUpdatesJob } from '../contract/job.ts';
import type { Durability } from '../contract/receipt.ts';
import { FieldError } from '../errors.ts';
import type { Update } from '../field/update.ts';
import type { Logger } from '../process/logger.ts';
import { connectRedis, failFast, listServers, readRedisSettings } from '../redis/connect.ts';
import { Batcher } from './batcher.ts';
import type { FallbackQueue } from './fallback-queue.ts';
import { PartitionedQueue, type UpdatesQueue } from './partitioned-queue.ts';
import type { QueueStats } from './queue-stats.ts';

export interface UpdateProducerOptions {
  readonly url: string;
  /** Sets one installation's keys apart from another's on the same Redis. */
  readonly prefix: string;
  /** Carries traces through the queue. */
  readonly telemetry?: Telemetry;
  /** Whether what is under way is part of a trace that somebody will see. */
  readonly isTraced?: () => boolean;
}

export interface QueueMemory {
  readonly usedBytes: number;
  readonly maxBytes: number;
}

/**
 * Shorter than elsewhere: what Redis does not take in time still has to be offered to PostgreSQL, and so have those who
 * came meanwhile. All of it stays below the 2 s that a receipt may take.
 */
const redisTimeoutMs = 800;
const probeIntervalMs = 500;

/** Of requests that ride in one job. Roughly bytes: a job stays far below what a single request may bring. */
const maxJobBytes = 128 * 1024;
const maxRequestsPerJob = 100;
/** Between two jobs. Nobody notices the least of it, and a queue that is busy takes a third as many jobs. */
const [minIntervalMs, maxIntervalMs] = [10, 50];
/** How much the newest job counts in the average of requests per job. */
const smoothingFactor = 0.05;

export class UpdateProducer {
  readonly queues: PartitionedQueue;
  readonly #redis: Redis;
  readonly #fallback: FallbackQueue | undefined;
  readonly #log: Logger;
  readonly #isTraced: () => boolean;
  readonly #batchers = new Map<UpdatesQueue, Batcher<ApplyUpdates, Durability>>();
  #requestsPerJob = 1;
  #durability: Durability = 'memory';
  #isRedisUnavailable = false;
  #isClosed = false;

  /** @param fallback takes the jobs while Redis is away; without it they are refused */
  constructor(
    { url, prefix, telemetry, isTraced = () => false }: UpdateProducerOptions,
    log: Logger,
    fallback?: FallbackQueue,
  ) {
    this.#log = log;
    this.#fallback = fallback;
    this.#isTraced = isTraced;
    this.#redis = connectRedis(url, 'queue', log, { ...failFast, commandTimeout: redisTimeoutMs });
    const onError = (error: Error) => log.debug({ err: error }, 'queue error');
    this.queues = new PartitionedQueue(this.#redis, { prefix, telemetry, onError });
    this.#redis.on('ready', () => void this.#refresh().catch((err) => log.warn({ err }, 'durability not known')));
  }

  /** Resolves once jobs can be added. */
  async ready(): Promise<void> {
    if (this.#redis.status !== 'ready') await once(this.#redis, 'ready');
    await this.#refresh();
  }

  async #refresh(): Promise<void> {
    await Promise.all([this.readDurability(), this.queues.refresh()]);
  }

  /** Reads the settings that durability hangs on. @throws when Redis is away. */
  async readDurability(): Promise<{ durability: Durability; maxmemoryPolicy: string }> {
    const settings = await readRedisSettings(this.#redis, settingNames);
    this.#durability = parseDurability(settings);
    const maxmemoryPolicy = settings['maxmemory-policy'] ?? 'unknown';
    if (maxmemoryPolicy !== 'noeviction') {
      this.#log.warn({ maxmemoryPolicy }, 'the queue needs maxmemory-policy noeviction: Redis may drop its keys');
    }
    return { durability: this.#durability, maxmemoryPolicy };
  }

  /**
   * Adds what one request brought, and says what keeps it. A job costs the queue ten times what its updates do: requests
   * that come while an add is under way go into one job; but one that is traced has a job to itself, which carries its
   * trace.
   * @throws FieldError `queue_unavailable`: it may have been added all the same, so send it again
   */
  async enqueue(job: ApplyUpdates): Promise<Durability> {
    const queue = this.queues.queueFor(job.field);
    if (this.#isTraced()) return this.#addBatch(queue, [job]);
    return this.#batcherFor(queue).add(job);
  }

  #batcherFor(queue: UpdatesQueue): Batcher<ApplyUpdates, Durability> {
    const known = this.#batchers.get(queue);
    if (known) return known;
    const batcher = new Batcher<ApplyUpdates, Durability>({
      process: (jobs) => this.#addBatch(queue, jobs),
      estimateBytes: estimateJobBytes,
      maxBytes: maxJobBytes,
      maxItems: maxRequestsPerJob,
      minIntervalMs,
      maxIntervalMs,
    });
    this.#batchers.set(queue, batcher);
    return batcher;
  }

  async #addBatch(queue: UpdatesQueue, jobs: readonly ApplyUpdates[]): Promise<Durability> {
    const [first] = jobs;
    this.#requestsPerJob += smoothingFactor * (jobs.length - this.#requestsPerJob);
    const data = jobs.length === 1 && first ? first : { together: jobs };
    return this.#add(jobs, () => queue.add(applyUpdatesJob, data));
  }

  /** Adds many jobs in one go. @throws FieldError `queue_unavailable`: some may have been added all the same */
  async enqueueAll(jobs: readonly ApplyUpdates[]): Promise<Durability> {
    const jobsByQueue = new Map<UpdatesQueue, ApplyUpdates[]>();
    for (const job of jobs) {
      const queue = this.queues.queueFor(job.field);
      jobsByQueue.set(queue, [...(jobsByQueue.get(queue) ?? []), job]);
    }
    const addToQueue = ([queue, queueJobs]: readonly [UpdatesQueue, ApplyUpdates[]]) =>
      queue.addBulk(queueJobs.map((data) => ({ name: applyUpdatesJob, data })));
    return this.#add(jobs, () => Promise.all([...jobsByQueue].map(addToQueue)));
  }

  async #add(jobs: readonly ApplyUpdates[], addToRedis: () => Promise<unknown>): Promise<Durability> {
    let cause: unknown;
    if (!this.#isRedisUnavailable || !this.#fallback) {
      try {
        await addToRedis();
        return this.#durability;
      } catch (error) {
        cause = error;
        this.#markRedisUnavailable();
      }
    }
    try {
      if (this.#fallback) {
        await this.#fallback.add(jobs);
        return 'postgres';
      }
    } catch (error) {
      cause = new AggregateError([cause, error].filter(Boolean), 'neither queue took the updates');
    }
    throw new FieldError('queue_unavailable', { retryAfterSeconds: 2, cause });
  }

  /** Spares everybody the wait for a Redis that hangs, until it answers again. */
  #markRedisUnavailable(): void {
    if (this.#isRedisUnavailable || !this.#fallback) return;
    this.#isRedisUnavailable = true;
    this.#log.warn('the queue is away: updates go to PostgreSQL');
    const probe = async () => {
      try {
        await this.#redis.ping();
        this.#isRedisUnavailable = false;
        this.#log.info('the queue is back');
      } catch {
        if (!this.#isClosed) setTimeout(() => void probe(), probeIntervalMs);
      }
    };
    setTimeout(() => void probe(), probeIntervalMs);
  }

  /**
   * Requests that wait or are being worked on, in Redis and PostgreSQL, as far as this process can tell from how many it
   * has put into a job lately. Looks for new workers as well: who enqueues for long asks now and then.
   * @throws when a queue that is in use does not answer.
   */
  async countBacklog(): Promise<number> {
    const inFallback = (await this.#fallback?.countBacklog()) ?? 0;
    if (this.#isRedisUnavailable) return inFallback;
    await this.queues.refresh();
    const inRedis = await this.queues.countJobs('waiting', 'active', 'delayed', 'prioritized');
    return Math.round(inRedis * this.#requestsPerJob) + inFallback;
  }

  /** What stands in both queues; undefined for one that does not answer, or that is not used. */
  async readStats(): Promise<{ redis: QueueStats | undefined; postgres: QueueStats | undefined }> {
    const logFailure = (err: unknown) => void this.#log.debug({ err }, 'a queue could not be looked into');
    const [redis, postgres] = await Promise.all([
      this.queues.readStats().catch(logFailure),
      this.#fallback?.readStats().catch(logFailure),
    ]);
    return { redis: redis ?? undefined, postgres: postgres ?? undefined };
  }

  /**
   * What the queue's Redis holds, and may hold (0: as much as there is), in bytes; of a cluster, its fullest node. Undefined
   * while it is left alone.
   */
  async readMemory(): Promise<QueueMemory | undefined> {
    if (this.#isRedisUnavailable) return undefined;
    const all = await Promise.all(listServers(this.#redis).map(readServerMemory));
    return all.sort((one, other) => computeFillRatio(other) - computeFillRatio(one))[0];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.queues.close();
    await this.#fallback?.close();
    this.#redis.disconnect();
  }
}

async function readServerMemory(redis: Redis): Promise<QueueMemory> {
  const info = await redis.info('memory');
  const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return { usedBytes: read('used_memory'), maxBytes: read('maxmemory') };
}

/** Those without a limit are as full as what they hold. */
function computeFillRatio({ usedBytes, maxBytes }: QueueMemory): number {
  return maxBytes > 0 ? usedBytes / maxBytes : usedBytes / Number.MAX_SAFE_INTEGER;
}

/** In bytes of a queue, and rather too many than too few. */
export function estimateJobBytes({ updates }: Pick<ApplyUpdates, 'updates'>): number {
  return updates.reduce((sum, update) => sum + estimateUpdateBytes(update), 0);
}

function estimateUpdateBytes(update: Update): number {
  const { clock } = update;
  const origin = 150 + (clock ? 40 * Object.keys(clock).length : 0);
  if (update.kind === 'cells.set') return origin + 40 * update.cells.length;
  if (update.kind !== 'particle.put') return origin;
  return origin + 150 + 3 * (update.content?.length ?? 0) + 100 * (update.connections?.length ?? 0);
}

const settingNames = ['appendonly', 'appendfsync', 'maxmemory-policy'] as const;

function parseDurability(settings: Record<string, string>): Durability {
  if (settings.appendonly !== 'yes') return 'memory';
  if (settings.appendfsync === 'always') return 'fsync';
  return settings.appendfsync === 'everysec' ? 'everysec' : 'memory';
}
