/**
 * Dead letters: the jobs of all queues that can never be applied. An id is the job's id with a prefix that names its queue:
 * `p17` is job 17 of the fallback queue in PostgreSQL, `3-17` that of the queue `updates-3`, and `17` that of the first queue.
 */
import { type ApplyUpdates, listRequests, type UpdatesJob } from '../contract/job.ts';

/** An id as BullMQ numbers jobs. Operators name others only by their other properties. */
export const deadLetterIdPattern = /^(p|\d{1,3}-)?\d{1,15}$/;
/** Of the ids of the fallback queue's dead letters. */
export const fallbackIdPrefix = 'p';

export interface DeadLetter {
  readonly id: string;
  readonly reason: string;
  /** The time of the failure, in ms since the epoch. */
  readonly failedAt: number;
  readonly data: UpdatesJob;
}

/** Selects dead letters; all conditions have to hold. */
export interface DeadLetterFilter {
  readonly id?: string | undefined;
  readonly field?: string | undefined;
  readonly device?: string | undefined;
  readonly user?: string | undefined;
  /** The id of the HTTP request. */
  readonly request?: string | undefined;
  /** A part of the reason. */
  readonly reason?: string | undefined;
  /** In ms since the epoch. */
  readonly sinceMs?: number | undefined;
  /** Exclusive, in ms since the epoch. */
  readonly untilMs?: number | undefined;
}

/** The part of a job that both of BullMQ's backends provide. */
interface FailedJob {
  readonly id?: string;
  readonly failedReason: string;
  readonly finishedOn?: number;
  readonly data: UpdatesJob;
  getState(): Promise<string>;
  retry(state: 'failed'): Promise<void>;
  remove(): Promise<void>;
}

/** The part of a queue that both of BullMQ's backends provide. */
interface FailedQueue {
  readonly name: string;
  getFailed(start: number, end: number): Promise<FailedJob[]>;
  getJob(id: string): Promise<FailedJob | undefined>;
}

export interface DeadLetterQueue {
  readonly idPrefix: string;
  readonly queue: FailedQueue;
}

/** @param partitions in their order @param fallback the queue in PostgreSQL, if it is used */
export function listDeadLetterQueues(
  partitions: readonly FailedQueue[],
  fallback: FailedQueue | undefined,
): DeadLetterQueue[] {
  const inRedis = partitions.map((queue, partition) => ({ idPrefix: partition === 0 ? '' : `${partition}-`, queue }));
  return fallback ? [...inRedis, { idPrefix: fallbackIdPrefix, queue: fallback }] : inRedis;
}

/** The dead letters of one queue, the newest first, in pages, since a letter can have a megabyte. @throws if the queue does not answer */
export async function* readDeadLetterPages(
  { queue, idPrefix }: DeadLetterQueue,
  pageSize: number,
): AsyncGenerator<DeadLetter[]> {
  for (let start = 0; ; start += pageSize) {
    const jobs = await queue.getFailed(start, start + pageSize - 1);
    yield jobs.map(({ id, failedReason, finishedOn, data }) => ({
      id: `${idPrefix}${id}`,
      reason: String(failedReason),
      failedAt: finishedOn ?? 0,
      data,
    }));
    if (jobs.length < pageSize) return;
  }
}

export function createDeadLetterMatcher(filter: DeadLetterFilter): (letter: DeadLetter) => boolean {
  const {
    id,
    field,
    device,
    user,
    request: requestId,
    reason,
    sinceMs = Number.NEGATIVE_INFINITY,
    untilMs = Number.POSITIVE_INFINITY,
  } = filter;
  const namesSender = [field, device, user, requestId].some((condition) => condition !== undefined);
  const isOf = (request: ApplyUpdates | null) =>
    (field === undefined || request?.field === field) &&
    (device === undefined || request?.device === device) &&
    (user === undefined || request?.user === user) &&
    (requestId === undefined || request?.request === requestId);
  return (letter) =>
    letter.failedAt >= sinceMs &&
    letter.failedAt < untilMs &&
    (id === undefined || letter.id === id) &&
    (reason === undefined || letter.reason.includes(reason)) &&
    (!namesSender || listRequests(letter.data).some(isOf));
}

/** A job may have failed because its data is malformed, so nothing is assumed of its shape. */
export function describeDeadLetter({ id, reason, failedAt, data }: DeadLetter) {
  const requests: readonly (ApplyUpdates | null)[] = listRequests(data);
  const distinct = (read: (request: ApplyUpdates | null) => unknown) => [...new Set(requests.map(read))].join(', ');
  const field = distinct((request) => request?.field);
  const device = distinct((request) => request?.device);
  const named = requests.filter((request) => request?.request !== undefined);
  const request = [...new Set(named.map((each) => each?.request))].join(', ');
  return { id, failedAt, reason, field, device, request, counters: requests.flatMap(countersOf) };
}

function countersOf(request: ApplyUpdates | null): number[] {
  return Array.isArray(request?.updates) ? request.updates.map((update) => update?.counter) : [];
}

export type DeadLetterAction = 'retry' | 'discard';

/** For the record of operators' actions. Describes the job, since a discarded one will be gone. */
export function describeDeadLetterAction(action: DeadLetterAction, letter: ReturnType<typeof describeDeadLetter>) {
  const { id, reason, field, device, counters } = letter;
  const details = { field, device, counters: [counters.at(0), counters.at(-1)], reason };
  return { action: `dead-letters.${action}`, target: `job ${id}`, details };
}

/**
 * Returns a dead letter to its queue, or removes it for good.
 * @returns false, having done nothing, if it is no longer a dead letter, for example because another operator has returned it
 * @throws if the queue does not answer
 */
export async function performDeadLetterAction(
  action: DeadLetterAction,
  queues: readonly DeadLetterQueue[],
  id: string,
): Promise<boolean> {
  const [, idPrefix = '', jobId = ''] = /^(p|\d+-|)([^-]+)$/.exec(id) ?? [];
  const job = await queues.find((each) => each.idPrefix === idPrefix)?.queue.getJob(jobId);
  if (!job || (await job.getState()) !== 'failed') return false;
  await (action === 'retry' ? job.retry('failed') : job.remove());
  return true;
}
