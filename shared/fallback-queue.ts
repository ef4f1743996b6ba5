/**
 * The same queue on PostgreSQL, for when the queue's Redis is away: BullMQ's second backend, in a schema of its own that
 * our migrations create. Slower, and used for nothing else.
 */
import { createPostgresBackend, type PostgresPoolConfig, Queue } from 'bullmq';
import { type ApplyUpdates, applyUpdatesJob, updatesQueue } from './contract/job.ts';
import type { Logger } from './log.ts';

/** The schema that BullMQ's tables live in. */
export const fallbackSchema = 'bullmq';
/** Somebody waits for the receipt, and has waited for Redis before. */
const addLimitMs = 900;

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

const openQueue = (databaseUrl: string) =>
  new Queue(
    updatesQueue,
    {
      connection: fallbackConnection(databaseUrl, 4, addLimitMs),
      defaultJobOptions: { attempts: 1_000_000, backoff: 1000 },
    },
    createPostgresBackend,
  );
type OpenQueue = ReturnType<typeof openQueue>;

export class FallbackQueue {
  readonly #databaseUrl: string;
  readonly #log: Logger;
  #queue: OpenQueue | undefined;

  constructor(databaseUrl: string, log: Logger) {
    this.#databaseUrl = databaseUrl;
    this.#log = log;
  }

  /** Adds jobs. @throws when PostgreSQL does not take them in time; they may have been added all the same. */
  async add(jobs: readonly ApplyUpdates[]): Promise<void> {
    const queue = this.#open();
    try {
      await within(addLimitMs, queue.addBulk(jobs.map((data) => ({ name: applyUpdatesJob, data }))));
    } catch (error) {
      this.#drop(queue);
      throw error;
    }
  }

  /** Jobs that wait or are being worked on; 0 as long as this process has never needed the queue. */
  async countBacklog(): Promise<number> {
    const queue = this.#queue;
    return queue ? within(addLimitMs, queue.getJobCountByTypes('waiting', 'active', 'delayed')) : 0;
  }

  async close(): Promise<void> {
    await this.#queue?.close();
  }

  #open(): OpenQueue {
    if (this.#queue) return this.#queue;
    const queue = openQueue(this.#databaseUrl);
    queue.on('error', (err) => this.#log.debug({ err }, 'fallback queue error'));
    this.#queue = queue;
    return queue;
  }

  /** A queue whose first connection failed never recovers: the next attempt opens another. */
  #drop(queue: OpenQueue): void {
    if (this.#queue !== queue) return;
    this.#queue = undefined;
    void queue.close().catch((err) => this.#log.debug({ err }, 'fallback queue not closed'));
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
