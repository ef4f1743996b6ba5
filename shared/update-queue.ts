/**
 * The way into the queue, for the API and the CLI: adds jobs, fails fast while the queue's Redis is away, and knows how
 * durable an accepted update really is.
 */
import { once } from 'node:events';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { type ApplyUpdates, type ApplyUpdatesResult, applyUpdatesJob, updatesQueue } from './contract/job.ts';
import type { Durability } from './contract/receipt.ts';
import { FieldError } from './errors.ts';
import type { Logger } from './log.ts';
import { connectRedis } from './redis.ts';

export type UpdatesQueue = Queue<ApplyUpdates, ApplyUpdatesResult, typeof applyUpdatesJob>;

export interface QueueSettings {
  readonly url: string;
  /** Sets one installation's keys apart from another's on the same Redis. */
  readonly prefix: string;
}

/** All keys of a queue under one hash tag, so that they share a slot of a cluster. */
export function queuePrefix(prefix: string): string {
  return `{${prefix}}`;
}

/** A job is tried for as long as it takes: only a job that can never be applied is failed, by its worker. */
const defaultJobOptions = { attempts: 1_000_000, backoff: { type: 'fixed', delay: 1000 } } as const;

export class UpdateProducer {
  readonly queue: UpdatesQueue;
  readonly #redis: Redis;
  readonly #log: Logger;
  #durability: Durability = 'memory';

  constructor({ url, prefix }: QueueSettings, log: Logger) {
    this.#log = log;
    this.#redis = connectRedis(url, 'queue', log);
    this.queue = new Queue(updatesQueue, {
      connection: this.#redis,
      prefix: queuePrefix(prefix),
      // Without both of these the queue waits for Redis, or never notices that it is back.
      skipWaitingForReady: true,
      skipVersionCheck: true,
      defaultJobOptions,
    });
    // The connection's own listener has said it already.
    this.queue.on('error', (error) => log.debug({ err: error }, 'queue error'));
    this.#redis.on(
      'ready',
      () => void this.checkDurability().catch((err) => log.warn({ err }, 'durability not known')),
    );
  }

  /** Resolves once jobs can be added. */
  async ready(): Promise<void> {
    if (this.#redis.status !== 'ready') await once(this.#redis, 'ready');
    await this.checkDurability();
  }

  /** How durable an accepted update is, as of the last look at the settings of Redis. */
  get durability(): Durability {
    return this.#durability;
  }

  /** Reads the settings that durability hangs on. @throws when Redis is away. */
  async checkDurability(): Promise<{ durability: Durability; maxmemoryPolicy: string }> {
    const settings = await readSettings(this.#redis);
    this.#durability = durabilityOf(settings);
    const maxmemoryPolicy = settings['maxmemory-policy'] ?? 'unknown';
    if (maxmemoryPolicy !== 'noeviction') {
      this.#log.warn({ maxmemoryPolicy }, 'the queue needs maxmemory-policy noeviction: Redis may drop its keys');
    }
    return { durability: this.#durability, maxmemoryPolicy };
  }

  /** Adds one job. @throws FieldError `queue_unavailable`: it may have been added all the same, so send it again. */
  async enqueue(job: ApplyUpdates): Promise<void> {
    try {
      await this.queue.add(applyUpdatesJob, job);
    } catch (cause) {
      throw new FieldError('queue_unavailable', { retryAfterSeconds: 2, cause });
    }
  }

  /** Adds many jobs in one go, all or none. @throws FieldError `queue_unavailable` */
  async enqueueAll(jobs: readonly ApplyUpdates[]): Promise<void> {
    try {
      await this.queue.addBulk(jobs.map((data) => ({ name: applyUpdatesJob, data })));
    } catch (cause) {
      throw new FieldError('queue_unavailable', { retryAfterSeconds: 2, cause });
    }
  }

  /** Jobs that wait or are being worked on. @throws when Redis is away. */
  async countBacklog(): Promise<number> {
    return this.queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized');
  }

  async close(): Promise<void> {
    await this.queue.close();
    this.#redis.disconnect();
  }
}

const settingNames = ['appendonly', 'appendfsync', 'maxmemory-policy'] as const;

/** RESP2 answers with a flat list, RESP3 with a map. */
async function readSettings(redis: Redis): Promise<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const name of settingNames) {
    const answer: unknown = await redis.config('GET', name);
    const value = Array.isArray(answer) ? answer[1] : (answer as Record<string, unknown>)[name];
    if (typeof value === 'string') settings[name] = value;
  }
  return settings;
}

function durabilityOf(settings: Record<string, string>): Durability {
  if (settings.appendonly !== 'yes') return 'memory';
  if (settings.appendfsync === 'always') return 'fsync';
  return settings.appendfsync === 'everysec' ? 'everysec' : 'memory';
}
