/**
 * The fallback queue: BullMQ on PostgreSQL, in a schema that the migrations create. Slower than Redis, and only used while
 * the queue's Redis is unavailable.
 */
import { createPostgresBackend, type PostgresPoolConfig, Queue, type Telemetry } from 'bullmq';
import { type ApplyUpdates, applyUpdatesJob, updatesQueue } from '../contract/job.ts';
import { connectionTarget } from '../postgres/connection-target.ts';
import type { Logger } from '../process/logger.ts';
import { withTimeout } from '../process/with-timeout.ts';
import { updatesJobOptions } from './partitioned-queue.ts';
import { type QueueStats, readQueueStats } from './queue-stats.ts';

/** The schema of BullMQ's tables. */
export const fallbackSchema = 'bullmq';
/** Short: the request that enqueues has already waited for Redis. */
const defaultWriteTimeoutMs = 900;
const maxWriterConnections = 4;
/** For monitoring only. */
const readerOptions = { max: 1, timeoutMs: 3000 };

export function fallbackConnection(databaseUrl: string, max: number, timeoutMs: number): PostgresPoolConfig {
  return {
    ...connectionTarget(databaseUrl),
    schema: fallbackSchema,
    max,
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    application_name: 'field-fallback-queue',
  };
}

interface FallbackQueueOptions {
  readonly telemetry?: Telemetry | undefined;
  /** How long PostgreSQL may take to confirm jobs. */
  readonly writeTimeoutMs?: number;
}

export class FallbackQueue {
  readonly #writer: ReconnectingQueue;
  readonly #reader: ReconnectingQueue;

  constructor(
    databaseUrl: string,
    log: Logger,
    { telemetry, writeTimeoutMs = defaultWriteTimeoutMs }: FallbackQueueOptions = {},
  ) {
    this.#writer = new ReconnectingQueue({
      databaseUrl,
      log,
      telemetry,
      max: maxWriterConnections,
      timeoutMs: writeTimeoutMs,
    });
    this.#reader = new ReconnectingQueue({ databaseUrl, log, ...readerOptions });
  }

  /** Adds jobs. @throws if PostgreSQL does not confirm in time; the jobs may have been added nevertheless */
  async add(jobs: readonly ApplyUpdates[]): Promise<void> {
    await this.#writer.use((queue) => queue.addBulk(jobs.map((data) => ({ name: applyUpdatesJob, data }))));
  }

  /** Unfinished jobs; 0 as long as this process has never used the queue. @throws if PostgreSQL does not answer in time */
  async countBacklog(): Promise<number> {
    if (!this.#writer.isOpen) return 0;
    return this.#writer.query((queue) => queue.getJobCountByTypes('waiting', 'active', 'delayed'));
  }

  /** The statistics of all jobs, whichever process added them. @throws if PostgreSQL does not answer in time */
  readStats(): Promise<QueueStats> {
    return this.#reader.use(readQueueStats);
  }

  /** The queue, for inspection. @throws if PostgreSQL does not answer in time */
  openForReading(): Promise<OpenFallbackQueue> {
    return this.#reader.use(async (queue) => {
      await queue.getJobCountByTypes('failed');
      return queue;
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#writer.close(), this.#reader.close()]);
  }
}

interface ReconnectingQueueOptions {
  readonly databaseUrl: string;
  readonly log: Logger;
  readonly telemetry?: Telemetry | undefined;
  /** The size of the connection pool. */
  readonly max: number;
  readonly timeoutMs: number;
}

const openQueue = ({ databaseUrl, telemetry, max, timeoutMs }: ReconnectingQueueOptions) =>
  new Queue(
    updatesQueue,
    {
      connection: fallbackConnection(databaseUrl, max, timeoutMs),
      defaultJobOptions: updatesJobOptions,
      telemetry,
    },
    createPostgresBackend,
  );
export type OpenFallbackQueue = ReturnType<typeof openQueue>;

/** Opens a new queue after a failure: BullMQ's queue does not recover if its first connection failed. */
class ReconnectingQueue {
  readonly #options: ReconnectingQueueOptions;
  #queue: OpenFallbackQueue | undefined;

  constructor(options: ReconnectingQueueOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#queue !== undefined;
  }

  async use<T>(operation: (queue: OpenFallbackQueue) => Promise<T>): Promise<T> {
    const queue = this.#open();
    try {
      return await withTimeout(operation(queue), this.#options.timeoutMs);
    } catch (error) {
      this.#discard(queue);
      throw error;
    }
  }

  /** Like `use`, but keeps the queue open after a failure, which may be specific to the query. */
  query<T>(operation: (queue: OpenFallbackQueue) => Promise<T>): Promise<T> {
    return withTimeout(operation(this.#open()), this.#options.timeoutMs);
  }

  async close(): Promise<void> {
    await this.#queue?.close();
  }

  #open(): OpenFallbackQueue {
    if (this.#queue) return this.#queue;
    const queue = openQueue(this.#options);
    queue.on('error', (err) => this.#options.log.debug({ err }, 'fallback queue error'));
    this.#queue = queue;
    return queue;
  }

  #discard(queue: OpenFallbackQueue): void {
    if (this.#queue !== queue) return;
    this.#queue = undefined;
    void queue.close().catch((err) => this.#options.log.debug({ err }, 'fallback queue close failed'));
  }
}
