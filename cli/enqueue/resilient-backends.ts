/** The log and the queue as an enqueueing sees them: their outages are waited out for a while. */
import type { Knex } from 'knex';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { type FoundReceipt, findReceipts } from '../../db/read/receipts.ts';
import { type ApplyUpdates, listRequests } from '../../shared/contract/job.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { UpdatesQueue } from '../../shared/queue/partitioned-queue.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { retryOutage } from '../backends/retry-outage.ts';
import { isDatabaseOutage } from '../backends/with-database.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import type { UpdateKey } from './in-flight.ts';

const outageTimeoutMs = 30_000;
const failedPageSize = 200;
/** Workers' clocks say when a job failed, and this one's when the enqueueing began. */
const clockSkewMs = 60_000;

export interface EnqueueBackends {
  /** One answer a name, in the same order. */
  findReceipts(field: FieldId, keys: readonly UpdateKey[]): Promise<FoundReceipt[]>;
  readLastCounter: FieldReader['readLastCounter'];
  /** The field's version, 0 when it does not exist. */
  readVersion(field: FieldId): Promise<number>;
  enqueue(jobs: readonly ApplyUpdates[]): Promise<void>;
  countBacklog(): Promise<number>;
  /** What has turned out to be never applicable since this began, newest first, and why. */
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
  /** Ends the waiting for what is away. */
  readonly signal: AbortSignal;
}

/** Every call @throws CliError `unreachable` when an outage lasts too long */
export function createResilientBackends({
  db,
  reader,
  producer,
  printLine,
  signal,
}: EnqueueBackendsDeps): EnqueueBackends {
  const createOutageRetry = (label: string, isOutage: (error: unknown) => boolean) => {
    return async <T>(work: () => Promise<T>): Promise<T> => {
      const onOutage = (error: unknown) => printLine(`${label} is away, waiting for it: ${reasonOf(error)}`);
      try {
        return await retryOutage(work, { timeoutMs: outageTimeoutMs, isOutage, onOutage, signal });
      } catch (error) {
        if (!isOutage(error)) throw error;
        const howLong = signal.aborted ? 'is away' : `stayed away for ${outageTimeoutMs / 1000} s`;
        throw new CliError('unreachable', `${label} ${howLong}: ${reasonOf(error)}`, { cause: error });
      }
    };
  };
  const retryDatabase = createOutageRetry('PostgreSQL', isDatabaseOutage);
  const startedAt = Date.now();
  // Whatever goes wrong there, nothing else can be done than to try again.
  const retryQueue = createOutageRetry("The queue's Redis", () => true);
  return {
    findReceipts: (field, keys) =>
      retryDatabase(() =>
        findReceipts(
          db,
          keys.map(({ device, counter }) => ({ field, device, counter })),
        ),
      ),
    readLastCounter: (field, device) => retryDatabase(() => reader.readLastCounter(field, device)),
    readVersion: (field) =>
      retryDatabase(async () => (await reader.readLog(field, Number.MAX_SAFE_INTEGER, 1))?.version ?? 0),
    enqueue: (jobs) => retryQueue(async () => void (await producer.enqueueAll(jobs))),
    countBacklog: () => retryQueue(() => producer.countBacklog()),
    async *readFailed() {
      for (const one of producer.queues.all) {
        const readPage = (start: number) => retryQueue(() => one.getFailed(start, start + failedPageSize - 1));
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
