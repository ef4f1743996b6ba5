/**
 * The dead-letter jobs of all queues. An id is the job's id with a prefix that names its queue: `p17` is job 17 of the
 * fallback queue in PostgreSQL, `3-17` that of the queue `updates-3`, and `17` that of the first queue in Redis.
 */
import { createPostgresBackend, Queue } from 'bullmq';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { type UpdatesJob, updatesQueue } from '../../shared/contract/job.ts';
import { fallbackConnection } from '../../shared/queue/fallback-queue.ts';
import type { CommandContext } from '../context/command-context.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import { readSettings, type SettingName } from '../input/read-settings.ts';
import { withProducer } from './with-redis.ts';

const timeoutMs = 5000;
const pageSize = 1000;

export interface DeadLetterJob {
  readonly id: string;
  readonly reason: string;
  /** The time of the failure, in ms since the epoch. */
  readonly failedAt: number;
  readonly data: UpdatesJob;
  retry(): Promise<void>;
  discard(): Promise<void>;
}

const deadLetterSettings = ['QUEUE_REDIS_URL', 'QUEUE_PREFIX', 'DATABASE_URL'] as const satisfies SettingName[];

/** The part of a job that both of BullMQ's backends provide. */
interface FailedJob {
  readonly id?: string;
  readonly failedReason: string;
  readonly finishedOn?: number;
  readonly data: UpdatesJob;
  retry(state: 'failed'): Promise<void>;
  remove(): Promise<void>;
}

interface FailedQueue {
  getFailed(start: number, end: number): Promise<FailedJob[]>;
}

/** Opens all queues and passes their failed jobs to `work`, newest first. @throws CliError `unreachable` */
export async function withDeadLetterJobs<T>(
  context: CommandContext,
  work: (jobs: readonly DeadLetterJob[]) => Promise<T>,
): Promise<T> {
  const settings = readSettings(deadLetterSettings, context, ['DATABASE_DIRECT_URL']);
  const { QUEUE_REDIS_URL: url, QUEUE_PREFIX: prefix } = settings;
  return withProducer({ url, prefix }, async ({ queues }) => {
    const fallback = new Queue(
      updatesQueue,
      { connection: fallbackConnection(directDatabaseUrl(settings), 2, timeoutMs) },
      createPostgresBackend,
    );
    fallback.on('error', () => undefined);
    try {
      const queueReads = queues.all.map((queue, partition) =>
        readFailed(queue, partition === 0 ? '' : `${partition}-`),
      );
      const deadLetterJobs = [...(await Promise.all(queueReads)), await readFallback(fallback)].flat();
      return await work(deadLetterJobs.sort((a, b) => b.failedAt - a.failedAt));
    } finally {
      await fallback.close();
    }
  });
}

async function readFallback(queue: FailedQueue): Promise<DeadLetterJob[]> {
  try {
    return await readFailed(queue, 'p');
  } catch (cause) {
    throw new CliError('unreachable', `The queue in PostgreSQL cannot be read: ${reasonOf(cause)}`, {
      hint: 'Check DATABASE_URL, and run `npx consciousness-field migrate` if it has not been run.',
      cause,
    });
  }
}

async function readFailed(queue: FailedQueue, idPrefix: string): Promise<DeadLetterJob[]> {
  const deadLetterJobs: DeadLetterJob[] = [];
  for (;;) {
    const page = await queue.getFailed(deadLetterJobs.length, deadLetterJobs.length + pageSize - 1);
    deadLetterJobs.push(...page.map((job) => toDeadLetterJob(job, idPrefix)));
    if (page.length < pageSize) return deadLetterJobs;
  }
}

function toDeadLetterJob(job: FailedJob, idPrefix: string): DeadLetterJob {
  return {
    id: `${idPrefix}${job.id}`,
    reason: job.failedReason,
    failedAt: job.finishedOn ?? 0,
    data: job.data,
    retry: () => job.retry('failed'),
    discard: () => job.remove(),
  };
}
