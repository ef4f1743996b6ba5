/**
 * The same queue on PostgreSQL, for when the queue's Redis is away: BullMQ's second backend, in a schema of its own that
 * our migrations create. Slower, and used for nothing else.
 */
import { createPostgresBackend, type PostgresPoolConfig, Queue, type Telemetry } from 'bullmq';
import { type ApplyUpdates, applyUpdatesJob, updatesQueue } from '../contract/job.ts';
import type { Logger } from '../process/logger.ts';
import { withTimeout } from '../process/with-timeout.ts';
import { type QueueStats, readQueueStats } from './queue-stats.ts';

/** The schema that BullMQ's tables live in. */
export const fallbackSchema = 'bullmq';
/** Somebody waits for the receipt, and has waited for Redis before. */
const writerOptions = { max: 4, timeoutMs: 900 };
/** Nobody waits but whoever watches. */
const readerOptions = { max: 1, timeoutMs: 3000 };

export function fallbackConnection(databaseUrl: string, max: number, timeoutMs: number): PostgresPoolConfig {
  return {
    connectionString: databaseUrl,
    schema: fallbackSchema,
    max,
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    application_name: 'field-fallback-queue',
  };
}

export class FallbackQueue {
  readonly #writer: ReconnectingQueue;
  readonly #reader: ReconnectingQueue;

  constructor(databaseUrl: string, log: Logger, telemetry?: Telemetry) {
    this.#writer = new ReconnectingQueue({ databaseUrl, log, telemetry, ...writerOptions });
    this.#reader = new ReconnectingQueue({ databaseUrl, log, ...readerOptions });
  }

  /** Adds jobs. @throws when PostgreSQL does not take them in time; they may have been added all the same. */
  async add(jobs: readonly ApplyUpdates[]): Promise<void> {
    await this.#writer.use((queue) => queue.addBulk(jobs.map((data) => ({ name: applyUpdatesJob, data }))));
  }

  /** Jobs that wait or are being worked on; 0 as long as this process has never needed the queue. */
  async countBacklog(): Promise<number> {
    if (!this.#writer.isOpen) return 0;
    return this.#writer.query((queue) => queue.getJobCountByTypes('waiting', 'active', 'delayed'));
  }

  /** What stands in it, whoever has put it there. @throws when PostgreSQL does not answer in time */
  readStats(): Promise<QueueStats> {
    return this.#reader.use(readQueueStats);
  }

  async close(): Promise<void> {
    await Promise.all([this.#writer.close(), this.#reader.close()]);
  }
}

interface ReconnectingQueueOptions {
  readonly databaseUrl: string;
  readonly log: Logger;
  readonly telemetry?: Telemetry | undefined;
  /** Connections. */
  readonly max: number;
  readonly timeoutMs: number;
}

const openQueue = ({ databaseUrl, telemetry, max, timeoutMs }: ReconnectingQueueOptions) =>
  new Queue(
    updatesQueue,
    {
      connection: fallbackConnection(databaseUrl, max, timeoutMs),
      defaultJobOptions: { attempts: 1_000_000, backoff: 1000 },
      telemetry,
    },
    createPostgresBackend,
  );
type OpenQueue = ReturnType<typeof openQueue>;

/** A queue whose first connection failed never recovers: after a failure, the next attempt opens another. */
class ReconnectingQueue {
  readonly #options: ReconnectingQueueOptions;
  #queue: OpenQueue | undefined;

  constructor(options: ReconnectingQueueOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#queue !== undefined;
  }

  async use<T>(operation: (queue: OpenQueue) => Promise<T>): Promise<T> {
    const queue = this.#open();
    try {
      return await withTimeout(operation(queue), this.#options.timeoutMs);
    } catch (error) {
      this.#discard(queue);
      throw error;
    }
  }

  /** As `use`, but a failure is no reason to open another: it may be the question's alone. */
  query<T>(operation: (queue: OpenQueue) => Promise<T>): Promise<T> {
    return withTimeout(operation(this.#open()), this.#options.timeoutMs);
  }

  async close(): Promise<void> {
    await this.#queue?.close();
  }

  #open(): OpenQueue {
    if (this.#queue) return this.#queue;
    const queue = openQueue(this.#options);
    queue.on('error', (err) => this.#options.log.debug({ err }, 'fallback queue error'));
    this.#queue = queue;
    return queue;
  }

  #discard(queue: OpenQueue): void {
    if (this.#queue !== queue) return;
    this.#queue = undefined;
    void queue.close().catch((err) => this.#options.log.debug({ err }, 'fallback queue not closed'));
  }
}
