/** The log and the queue for `enqueue`. Calls are retried during an outage, up to a time limit. */
import type { Knex } from 'knex';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { readLastCounters } from '../../db/read/pages/clock-page.ts';
import { type FoundReceipt, findReceipts } from '../../db/read/receipts/find-receipts.ts';
import { type ApplyUpdates, listRequests } from '../../shared/contract/job.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { type RetryAttempt, retry } from '../../shared/process/retry.ts';
import type { UpdatesQueue } from '../../shared/queue/partitioned-queue.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { isDatabaseOutage } from '../backends/with-database.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import type { UpdateKey } from './in-flight.ts';

/** How long a run waits for a server that is unreachable. */
export const outageRetry = { initialDelayMs: 100, maxDelayMs: 2000, timeoutMs: 30_000 } as const;
const failedPageSize = 200;
/** The time of a job's failure is from a worker's clock, the start of the run from this machine's. */
const clockSkewMs = 60_000;

export interface EnqueueBackends {
  /** One receipt per key, in the same order. */
  findReceipts(field: FieldId, keys: readonly UpdateKey[]): Promise<FoundReceipt[]>;
  /** The highest counters of those devices that have written to the field. */
  readLastCounters(field: FieldId, devices: readonly DeviceId[]): Promise<ReadonlyMap<DeviceId, number>>;
  /** The particles that the field holds, by id. */
  readParticles(field: FieldId): Promise<ReadonlyMap<string, unknown>>;
  /** The field's version, 0 when it does not exist. */
  readVersion(field: FieldId): Promise<number>;
  enqueue(jobs: readonly ApplyUpdates[]): Promise<void>;
  countBacklog(): Promise<number>;
  /** Jobs that failed permanently since the start of the run, newest first, with the reason. */
  readFailed(): AsyncGenerator<FailedUpdates>;
}

interface FailedUpdates {
  readonly job: ApplyUpdates;
  readonly reason: string;
}

interface EnqueueBackendsDeps {
  readonly db: Knex;
  readonly reader: FieldReader;
  readonly producer: UpdateProducer;
  readonly printLine: (line: string) => void;
  /** The priority of jobs in the queue; undefined for none, which precedes all priorities. */
  readonly priority: number | undefined;
  /** Stops retrying. */
  readonly signal: AbortSignal;
}

/** Every call @throws CliError `unreachable` when an outage lasts too long */
export function createResilientBackends({
  db,
  reader,
  producer,
  printLine,
  priority,
  signal,
}: EnqueueBackendsDeps): EnqueueBackends {
  const createOutageRetry = (label: string, isOutage: (error: unknown) => boolean) => {
    return async <T>(work: () => Promise<T>): Promise<T> => {
      const onRetry = (error: unknown, { attempt }: RetryAttempt) => {
        if (attempt === 1) printLine(`${label} is unreachable, retrying: ${reasonOf(error)}`);
      };
      try {
        return await retry(work, { ...outageRetry, isRetryable: isOutage, onRetry, signal });
      } catch (error) {
        if (!isOutage(error)) throw error;
        const howLong = signal.aborted ? 'is unreachable' : `was unreachable for ${outageRetry.timeoutMs / 1000} s`;
        throw new CliError('unreachable', `${label} ${howLong}: ${reasonOf(error)}`, {
          hint: 'Once it is reachable, run the same command again: applied updates are skipped.',
          cause: error,
        });
      }
    };
  };
  const retryDatabase = createOutageRetry('PostgreSQL', isDatabaseOutage);
  const startedAt = Date.now();
  // Any error of the queue is retried, because none of them can be handled otherwise.
  const retryQueue = createOutageRetry("The queue's Redis", () => true);
  return {
    findReceipts: (field, keys) =>
      retryDatabase(() =>
        findReceipts(
          db,
          keys.map(({ device, counter }) => ({ field, device, counter })),
        ),
      ),
    readLastCounters: (field, devices) => retryDatabase(() => readLastCounters(db, field, devices)),
    readParticles: (field) => retryDatabase(async () => (await reader.loadState(field))?.particles ?? new Map()),
    readVersion: (field) =>
      retryDatabase(async () => (await reader.readLog(field, Number.MAX_SAFE_INTEGER, 1))?.version ?? 0),
    enqueue: (jobs) => retryQueue(async () => void (await producer.enqueueAll(jobs, { priority }))),
    countBacklog: () => retryQueue(() => producer.countBacklog()),
    async *readFailed() {
      for (const queue of producer.queues.all) {
        const readPage = (start: number) => retryQueue(() => queue.getFailed(start, start + failedPageSize - 1));
        yield* readFailedSince(startedAt - clockSkewMs, readPage);
      }
    },
  };
}

async function* readFailedSince(
  since: number,
  readPage: (start: number) => ReturnType<UpdatesQueue['getFailed']>,
): AsyncGenerator<FailedUpdates> {
  for (let start = 0; ; start += failedPageSize) {
    const page = await readPage(start);
    for (const { data, failedReason: reason } of page) yield* listRequests(data).map((job) => ({ job, reason }));
    if (page.length < failedPageSize || (page.at(-1)?.finishedOn ?? 0) < since) return;
  }
}
