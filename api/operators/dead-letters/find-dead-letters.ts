/** Finds dead letters in all queues, in bounded time and memory, and retries or discards those that were found. */
import { listRequests, type UpdatesJob } from '../../../shared/contract/job.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { withTimeout } from '../../../shared/process/with-timeout.ts';
import {
  createDeadLetterMatcher,
  type DeadLetter,
  type DeadLetterAction,
  type DeadLetterFilter,
  type DeadLetterQueue,
  describeDeadLetter,
  describeDeadLetterAction,
  fallbackIdPrefix,
  listDeadLetterQueues,
  performDeadLetterAction,
  readDeadLetterPages,
} from '../../../shared/queue/dead-letters.ts';
import type { UpdateProducer } from '../../../shared/queue/update-producer.ts';

/** A job can have a megabyte. */
const pageSize = 20;
const maxTextLength = 200;
const maxReasonLength = 1000;
const queueTimeoutMs = 3000;
const timeoutMs = 5000;

/** A dead letter without its updates. */
export interface DeadLetterSummary {
  readonly id: string;
  /** The queue and the id of the job in it, for the board. */
  readonly queue: string;
  readonly job: string;
  readonly field: string;
  readonly device: string;
  readonly user: string;
  /** The ids of HTTP requests; empty for updates of sockets and commands. */
  readonly request: string;
  /** The first and the last; empty if the job has none. */
  readonly counters: readonly number[];
  readonly updates: number;
  readonly reason: string;
  /** In ms since the epoch. */
  readonly failedAt: number;
}

export interface FoundDeadLetters {
  /** The number of matches among the dead letters that were searched. */
  readonly total: number;
  /** The newest first. */
  readonly letters: readonly DeadLetterSummary[];
  /** False if there may be further ones: too many failed, time was up, or a queue did not answer. */
  readonly isComplete: boolean;
  /** Queues that did not answer. */
  readonly unreachable: readonly string[];
}

interface FindLimits {
  /** The maximum that is searched in each queue, newest first. */
  readonly maxScanned: number;
  readonly maxFound: number;
}

export type DeadLetterQueues = Pick<UpdateProducer, 'queues' | 'findFallbackQueue'>;

interface FindDeadLettersDeps {
  readonly producer: DeadLetterQueues;
  readonly log: Pick<Logger, 'debug'>;
}

export async function findDeadLetters(
  { producer, log }: FindDeadLettersDeps,
  filter: DeadLetterFilter,
  { maxScanned, maxFound }: FindLimits,
): Promise<FoundDeadLetters> {
  const matches = createDeadLetterMatcher(filter);
  const deadline = performance.now() + timeoutMs;
  const found: DeadLetterSummary[] = [];
  const unreachable: string[] = [];
  let isComplete = true;
  // One after the other: together, their pages could take too much memory.
  for (const deadLetters of await openQueues(producer)) {
    const scan = async () => {
      let scanned = 0;
      for await (const page of readDeadLetterPages(deadLetters, pageSize)) {
        found.push(...page.filter(matches).map((letter) => summarize(letter, deadLetters)));
        scanned += page.length;
        if (page.length < pageSize) return true;
        if (scanned >= maxScanned || performance.now() > deadline) return false;
      }
      return true;
    };
    const remainingMs = Math.min(queueTimeoutMs, deadline - performance.now() + queueTimeoutMs);
    try {
      isComplete = (await withTimeout(scan(), Math.max(1, remainingMs))) && isComplete;
    } catch (err) {
      const name = deadLetters.idPrefix === fallbackIdPrefix ? 'PostgreSQL' : deadLetters.queue.name;
      log.debug({ err, queue: name }, 'dead letters not read');
      unreachable.push(name);
    }
  }
  const letters = found.sort((a, b) => b.failedAt - a.failedAt).slice(0, maxFound);
  return { total: found.length, letters, isComplete: isComplete && unreachable.length === 0, unreachable };
}

/**
 * Call it after the action was recorded.
 * @returns how many were changed, without those that were no longer dead letters
 * @throws if a queue does not answer; some may have been changed
 */
export async function actOnDeadLetters(
  producer: DeadLetterQueues,
  action: DeadLetterAction,
  letters: readonly DeadLetterSummary[],
): Promise<number> {
  const queues = await openQueues(producer);
  let changed = 0;
  for (const { id } of letters) if (await performDeadLetterAction(action, queues, id)) changed += 1;
  return changed;
}

export function describeActions(action: DeadLetterAction, letters: readonly DeadLetterSummary[]) {
  return letters.map((letter) => describeDeadLetterAction(action, { ...letter, counters: [...letter.counters] }));
}

async function openQueues(producer: DeadLetterQueues): Promise<DeadLetterQueue[]> {
  return listDeadLetterQueues(producer.queues.all, await producer.findFallbackQueue());
}

function summarize(letter: DeadLetter, { queue, idPrefix }: DeadLetterQueue): DeadLetterSummary {
  const { id, reason, failedAt, field, device, request, counters } = describeDeadLetter(letter);
  const [first, last] = [counters.at(0), counters.at(-1)];
  return {
    ...{ id, queue: queue.name, job: id.slice(idPrefix.length), failedAt, updates: counters.length },
    ...{ field: cut(field), device: cut(device), user: cut(listUsers(letter.data)) },
    request: cut(request),
    counters: first === undefined || last === undefined ? [] : [first, last],
    reason: reason.slice(0, maxReasonLength).toWellFormed(),
  };
}

function listUsers(data: UpdatesJob): string {
  const users = listRequests(data).map((request) => request?.user);
  return [...new Set(users.filter((user) => user !== undefined))].join(', ');
}

function cut(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength).toWellFormed()}…`;
}
