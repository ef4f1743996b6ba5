/**
 * The same queue on PostgreSQL, for when the queue's Redis is away: BullMQ's second backend, in a schema of its own that
 * our migrations create. Slower, and used for nothing else.
 */
import { createPostgresBackend, type PostgresPoolConfig, Queue, type Telemetry } from 'bullmq';
import { type ApplyUpdates, applyUpdatesJob, updatesQueue } from '../contract/job.ts';
import type { Logger } from '../process/logger.ts';
import { lookInto, type QueueLook } from './queue-stats.ts';

/** The schema that BullMQ's tables live in. */
export const fallbackSchema = 'bullmq';
/** Somebody waits for the receipt, and has waited for Redis before. */
const adding = { max: 4, limitMs: 900 };
/** Nobody waits but whoever watches. */
const looking = { max: 1, limitMs: 3000 };

export function fallbackConnection(databaseUrl: string, max: number, limitMs: number): PostgresPoolConfig {
  return {
    connectionString: databaseUrl,
    schema: fallbackSchema,
    max,
    connectionTimeoutMillis: limitMs,
    statement_timeout: limitMs,
    query_timeout: limitMs,
    keepAlive: true,
    application_name: 'field-fallback-queue',
  };
}

export class FallbackQueue {
  readonly #adder: Reopening;
  readonly #looker: Reopening;

  constructor(databaseUrl: string, log: Logger, telemetry?: Telemetry) {
    this.#adder = new Reopening({ databaseUrl, log, telemetry, ...adding });
    this.#looker = new Reopening({ databaseUrl, log, ...looking });
  }

  /** Adds jobs. @throws when PostgreSQL does not take them in time; they may have been added all the same. */
  async add(jobs: readonly ApplyUpdates[]): Promise<void> {
    await this.#adder.use((queue) => queue.addBulk(jobs.map((data) => ({ name: applyUpdatesJob, data }))));
  }

  /** Jobs that wait or are being worked on; 0 as long as this process has never needed the queue. */
  async countBacklog(): Promise<number> {
    if (!this.#adder.isOpen) return 0;
    return this.#adder.ask((queue) => queue.getJobCountByTypes('waiting', 'active', 'delayed'));
  }

  /** What stands in it, whoever has put it there. @throws when PostgreSQL does not answer in time */
  look(): Promise<QueueLook> {
    return this.#looker.use(lookInto);
  }

  async close(): Promise<void> {
    await Promise.all([this.#adder.close(), this.#looker.close()]);
  }
}

interface ReopeningOptions {
  readonly databaseUrl: string;
  readonly log: Logger;
  readonly telemetry?: Telemetry | undefined;
  /** Connections. */
  readonly max: number;
  readonly limitMs: number;
}

const openQueue = ({ databaseUrl, telemetry, max, limitMs }: ReopeningOptions) =>
  new Queue(
    updatesQueue,
    {
      connection: fallbackConnection(databaseUrl, max, limitMs),
      defaultJobOptions: { attempts: 1_000_000, backoff: 1000 },
      telemetry,
    },
    createPostgresBackend,
  );
type OpenQueue = ReturnType<typeof openQueue>;

/** A queue whose first connection failed never recovers: after a failure, the next attempt opens another. */
class Reopening {
  readonly #options: ReopeningOptions;
  #queue: OpenQueue | undefined;

  constructor(options: ReopeningOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#queue !== undefined;
  }

  async use<T>(work: (queue: OpenQueue) => Promise<T>): Promise<T> {
    const queue = this.#open();
    try {
      return await within(this.#options.limitMs, work(queue));
    } catch (error) {
      this.#drop(queue);
      throw error;
    }
  }

  /** As `use`, but a failure is no reason to open another: it may be the question's alone. */
  ask<T>(question: (queue: OpenQueue) => Promise<T>): Promise<T> {
    return within(this.#options.limitMs, question(this.#open()));
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

  #drop(queue: OpenQueue): void {
    if (this.#queue !== queue) return;
    this.#queue = undefined;
    void queue.close().catch((err) => this.#options.log.debug({ err }, 'fallback queue not closed'));
  }
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
