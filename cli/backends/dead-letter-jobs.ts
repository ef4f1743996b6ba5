/**
 * The jobs that can never be applied, of all queues. An id with a `p` before it is one of PostgreSQL's queue; `3-17` is the
 * 17th of the queue `updates-3`.
 */
import { createPostgresBackend, Queue } from 'bullmq';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { type UpdatesJob, updatesQueue } from '../../shared/contract/job.ts';
import { fallbackConnection } from '../../shared/queue/fallback-queue.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import { readSettings, type SettingName } from '../input/read-settings.ts';
import { withProducer } from './with-redis.ts';

const limitMs = 5000;
const pageSize = 1000;

export interface DeadJob {
  readonly id: string;
  readonly reason: string;
  /** When it failed, in ms. */
  readonly failedAt: number;
  readonly data: UpdatesJob;
  retry(): Promise<void>;
  discard(): Promise<void>;
}

const deadJobSettings = ['QUEUE_REDIS_URL', 'QUEUE_PREFIX', 'DATABASE_URL'] as const satisfies SettingName[];

/** What of a job both of BullMQ's backends offer. */
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

/** Opens all queues and hands over their failed jobs, the newest first. @throws CliError `unreachable` */
export async function withDeadJobs<T>(work: (jobs: readonly DeadJob[]) => Promise<T>): Promise<T> {
  const settings = readSettings(deadJobSettings, process.env, ['DATABASE_DIRECT_URL']);
  const { QUEUE_REDIS_URL: url, QUEUE_PREFIX: prefix } = settings;
  return withProducer({ url, prefix }, async ({ queues }) => {
    const fallback = new Queue(
      updatesQueue,
      { connection: fallbackConnection(directDatabaseUrl(settings), 2, limitMs) },
      createPostgresBackend,
    );
    fallback.on('error', () => undefined);
    try {
      const parts = queues.all.map((queue, partition) => readFailed(queue, partition === 0 ? '' : `${partition}-`));
      const dead = [...(await Promise.all(parts)), await readFallback(fallback)].flat();
      return await work(dead.sort((a, b) => b.failedAt - a.failedAt));
    } finally {
      await fallback.close();
    }
  });
}

async function readFallback(queue: FailedQueue): Promise<DeadJob[]> {
  try {
    return await readFailed(queue, 'p');
  } catch (cause) {
    throw new CliError('unreachable', `The queue in PostgreSQL cannot be read: ${reasonOf(cause)}`, {
      hint: 'Is DATABASE_URL right, and has `npx field migrate` been run?',
      cause,
    });
  }
}

async function readFailed(queue: FailedQueue, mark: string): Promise<DeadJob[]> {
  const dead: DeadJob[] = [];
  for (;;) {
    const page = await queue.getFailed(dead.length, dead.length + pageSize - 1);
    dead.push(...page.map((job) => toDeadJob(job, mark)));
    if (page.length < pageSize) return dead;
  }
}

function toDeadJob(job: FailedJob, mark: string): DeadJob {
  return {
    id: `${mark}${job.id}`,
    reason: job.failedReason,
    failedAt: job.finishedOn ?? 0,
    data: job.data,
    retry: () => job.retry('failed'),
    discard: () => job.remove(),
  };
}
