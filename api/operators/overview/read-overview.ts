/** The state of an installation at one moment, for operators: as JSON, and for the page. */
import type { DatabaseOverview } from '../../../db/operators/overview.ts';
import { withTimeout } from '../../../shared/process/with-timeout.ts';
import type { QueueStats } from '../../../shared/queue/queue-stats.ts';
import type { UpdateProducer } from '../../../shared/queue/update-producer.ts';
import type { Health } from '../../health/health-check.ts';
import { type DeadLetterQueues, type DeadLetterSummary, findDeadLetters } from '../dead-letters/find-dead-letters.ts';
import { type Finding, findFindings } from './findings.ts';
import type { Sample, Samples } from './samples.ts';

const timeoutMs = 3000;
const maxDeadLetters = 10;

export interface Overview {
  /** In ms since the epoch. */
  readonly at: number;
  readonly status: Health['status'];
  /** What is wrong, the worst first; empty if all is well. */
  readonly findings: readonly Finding[];
  readonly checks: Health['checks'];
  /** Each undefined if it does not answer, or is not used. */
  readonly queue: { readonly redis: QueueStats | undefined; readonly postgres: QueueStats | undefined };
  /** The newest first. */
  readonly deadLetters: readonly DeadLetterSummary[];
  /** Undefined while PostgreSQL does not answer. */
  readonly database: DatabaseOverview | undefined;
  /** Of the process that responds, the oldest first. */
  readonly samples: readonly Sample[];
}

export interface OverviewDeps {
  readonly checkHealth: () => Promise<Health>;
  readonly producer: DeadLetterQueues & Pick<UpdateProducer, 'readStats'>;
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
    orNothing(findDeadLetters(producer, {}, { maxScanned: maxDeadLetters, maxFound: maxDeadLetters })),
    orNothing(readDatabase()),
  ]);
  const at = Date.now();
  const findings = findFindings({ at, health, queue, database, allowsWeakDurability });
  return {
    ...{ at, status: health.status, checks: health.checks, queue, database },
    findings: findings.toSorted((a, b) => a.level.localeCompare(b.level)),
    deadLetters: deadLetters?.letters ?? [],
    samples: samples.all,
  };
}
