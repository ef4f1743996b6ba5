/** The state of an installation at one moment, for operators: as JSON, and for the page. */
import type { DatabaseOverview } from '../../../db/operators/overview.ts';
import { type ApplyUpdates, listRequests, type UpdatesJob } from '../../../shared/contract/job.ts';
import { withTimeout } from '../../../shared/process/with-timeout.ts';
import type { QueueStats } from '../../../shared/queue/queue-stats.ts';
import type { UpdateProducer } from '../../../shared/queue/update-producer.ts';
import type { Health } from '../../health/health-check.ts';
import { type Finding, findFindings } from './findings.ts';
import type { Sample, Samples } from './samples.ts';

const timeoutMs = 3000;
const maxDeadLetters = 10;
const maxReasonLength = 300;

interface DeadLetter {
  readonly queue: string;
  readonly id: string;
  readonly fields: readonly string[];
  readonly devices: readonly string[];
  readonly reason: string;
  /** In ms since the epoch. */
  readonly failedAt: number;
}

export interface Overview {
  /** In ms since the epoch. */
  readonly at: number;
  readonly status: Health['status'];
  /** What is wrong, the worst first; empty if all is well. */
  readonly findings: readonly Finding[];
  readonly checks: Health['checks'];
  /** Each undefined if it does not answer, or is not used. */
  readonly queue: { readonly redis: QueueStats | undefined; readonly postgres: QueueStats | undefined };
  /** Of the queue in Redis, the newest first. */
  readonly deadLetters: readonly DeadLetter[];
  /** Undefined while PostgreSQL does not answer. */
  readonly database: DatabaseOverview | undefined;
  /** Of the process that responds, the oldest first. */
  readonly samples: readonly Sample[];
}

export interface OverviewDeps {
  readonly checkHealth: () => Promise<Health>;
  readonly producer: Pick<UpdateProducer, 'readStats' | 'queues'>;
  readonly readDatabase: () => Promise<DatabaseOverview>;
  readonly samples: Pick<Samples, 'all'>;
  readonly allowsWeakDurability: boolean;
}

/** Never rejects: what does not answer in time is left out. */
export async function readOverview({
  checkHealth,
  producer,
  readDatabase,
  samples,
  allowsWeakDurability,
}: OverviewDeps): Promise<Overview> {
  const orNothing = <T>(read: Promise<T>) => withTimeout(read, timeoutMs).catch(() => undefined);
  const [health, queue, deadLetters, database] = await Promise.all([
    checkHealth(),
    producer.readStats(),
    orNothing(readDeadLetters(producer)),
    orNothing(readDatabase()),
  ]);
  const at = Date.now();
  const findings = findFindings({ at, health, queue, database, allowsWeakDurability });
  return {
    ...{ at, status: health.status, checks: health.checks, queue, database },
    findings: findings.toSorted((a, b) => a.level.localeCompare(b.level)),
    deadLetters: deadLetters ?? [],
    samples: samples.all,
  };
}

async function readDeadLetters({ queues }: Pick<UpdateProducer, 'queues'>): Promise<DeadLetter[]> {
  const jobs = await Promise.all(
    queues.all.map(async (queue) =>
      (await queue.getFailed(0, maxDeadLetters - 1)).map((job) => ({ queue: queue.name, job })),
    ),
  );
  return jobs
    .flat()
    .map(({ queue, job: { id = '', failedReason, finishedOn = 0, data } }) => {
      const requests = readRequests(data);
      return {
        ...{ queue, id, failedAt: finishedOn, reason: String(failedReason).slice(0, maxReasonLength) },
        fields: [...new Set(requests.map(({ field }) => String(field)))].slice(0, 3),
        devices: [...new Set(requests.map(({ device }) => String(device)))].slice(0, 3),
      };
    })
    .sort((a, b) => b.failedAt - a.failedAt)
    .slice(0, maxDeadLetters);
}

/** A dead letter may be anything. */
function readRequests(data: UpdatesJob): readonly ApplyUpdates[] {
  try {
    return listRequests(data).filter((request) => typeof request === 'object' && request !== null);
  } catch {
    return [];
  }
}
