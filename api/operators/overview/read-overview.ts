/** The state of an installation at one moment, for operators: as JSON, and for the page. */
import type { DatabaseOverview } from '../../../db/operators/overview.ts';
import type { TrafficMinute } from '../../../shared/observability/traffic.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { withTimeout } from '../../../shared/process/with-timeout.ts';
import type { QueueStats } from '../../../shared/queue/queue-stats.ts';
import type { UpdateProducer } from '../../../shared/queue/update-producer.ts';
import type { Health } from '../../health/health-check.ts';
import { type DeadLetterQueues, type DeadLetterSummary, findDeadLetters } from '../dead-letters/find-dead-letters.ts';
import { type Finding, findFindings, findingLevels } from './findings.ts';
import type { Sample, Samples } from './samples.ts';

const timeoutMs = 3000;
const sharedForMs = 1000;
const maxDeadLetters = 10;

export interface Overview {
  /** In ms since the epoch. */
  readonly at: number;
  readonly status: Health['status'];
  /** Problems, the worst first; empty if there are none. */
  readonly findings: readonly Finding[];
  readonly checks: Health['checks'];
  /** Each undefined if it does not answer, or is not used. */
  readonly queue: { readonly redis: QueueStats | undefined; readonly postgres: QueueStats | undefined };
  /** The newest first. */
  readonly deadLetters: readonly DeadLetterSummary[];
  /** Undefined while PostgreSQL does not answer. */
  readonly database: DatabaseOverview | undefined;
  /** What all workers have applied in the last hour, by minutes, the oldest first; empty while the cache's Redis does not answer. */
  readonly traffic: readonly TrafficMinute[];
  /** Of the responding process, the oldest first. */
  readonly samples: readonly Sample[];
}

interface OverviewDeps {
  readonly checkHealth: () => Promise<Health>;
  readonly producer: DeadLetterQueues & Pick<UpdateProducer, 'readStats'>;
  readonly readDatabase: () => Promise<DatabaseOverview>;
  readonly readTraffic: () => Promise<TrafficMinute[]>;
  readonly samples: Pick<Samples, 'all'>;
  readonly allowsWeakDurability: boolean;
  readonly log: Pick<Logger, 'debug'>;
}

/** @param maxAgeMs how old a shared overview may be; 0 after a change, so that it is seen at once */
export type ReadOverview = (maxAgeMs?: number) => Promise<Overview>;

/**
 * Shares each overview for a moment, so that many viewers cost as much as one. Reads of PostgreSQL are single-flight: a slow one
 * continues after its callers have timed out, and later callers join it.
 */
export function createOverviewReader(deps: OverviewDeps): ReadOverview {
  let reading: Promise<DatabaseOverview> | undefined;
  const readDatabase = () => {
    reading ??= deps.readDatabase().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  let newest: { readonly at: number; readonly overview: Promise<Overview> } | undefined;
  return (maxAgeMs = sharedForMs) => {
    const now = performance.now();
    if (!newest || now - newest.at > maxAgeMs) newest = { at: now, overview: readOverview({ ...deps, readDatabase }) };
    return newest.overview;
  };
}

/** Never rejects: what does not answer in time is left out. */
async function readOverview({
  checkHealth,
  producer,
  readDatabase,
  readTraffic,
  samples,
  allowsWeakDurability,
  log,
}: OverviewDeps): Promise<Overview> {
  const orNothing = <T>(part: string, read: Promise<T>) =>
    withTimeout(read, timeoutMs).catch((err: unknown) => {
      log.debug({ err, part }, 'part of the overview not read');
      return undefined;
    });
  const limits = { maxScanned: maxDeadLetters, maxFound: maxDeadLetters };
  const [health, queue, deadLetters, database, traffic] = await Promise.all([
    checkHealth(),
    producer.readStats(),
    orNothing('dead letters', findDeadLetters({ producer, log }, {}, limits)),
    orNothing('database', readDatabase()),
    orNothing('traffic', readTraffic()),
  ]);
  const at = Date.now();
  const findings = findFindings({ at, health, queue, database, allowsWeakDurability });
  return {
    ...{ at, status: health.status, checks: health.checks, queue, database },
    findings: findings.toSorted((a, b) => findingLevels.indexOf(a.level) - findingLevels.indexOf(b.level)),
    deadLetters: deadLetters?.letters ?? [],
    traffic: traffic ?? [],
    samples: samples.all,
  };
}
