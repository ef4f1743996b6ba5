/** `Prefer: wait`: waits for the results of a request's updates until a deadline. */
import type { FastifyBaseLogger } from 'fastify';
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { SentUpdates } from '../../db/read/receipts/update-results.ts';
import type { UpdateResult } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { PendingReplies, PendingReply } from './pending-replies.ts';

const initialPollMs = 750;

export interface Applied {
  readonly version: number;
  readonly cursor: Cursor;
  readonly results: UpdateResult[];
}

interface WaitUntilAppliedDeps {
  readonly replies: Pick<PendingReplies, 'isClosed'>;
  readonly reader: Pick<FieldReader, 'readResults'>;
  readonly log: FastifyBaseLogger;
}

interface WaitUntilAppliedOptions {
  readonly sent: SentUpdates;
  readonly pendingReply: PendingReply;
  /** In ms of the monotonic clock, because the wall clock can be set during the wait. */
  readonly deadline: number;
}

/**
 * Waits for the worker's reply. A reply may be lost, so PostgreSQL is polled as well, with a doubling interval.
 * @returns undefined when the results are not known by the deadline
 */
export async function waitUntilApplied(
  { replies, reader, log }: WaitUntilAppliedDeps,
  { sent, pendingReply, deadline }: WaitUntilAppliedOptions,
): Promise<Applied | undefined> {
  for (let pollMs = initialPollMs; ; pollMs *= 2) {
    const timeoutMs = pendingReply.mayHaveBeenMissed() ? initialPollMs : pollMs;
    const reply = await pendingReply.wait(Math.max(0, Math.min(deadline - performance.now(), timeoutMs)));
    if (reply) return { version: reply.version, cursor: reply.cursor, results: reply.results };
    const isLastAttempt = performance.now() >= deadline || replies.isClosed;
    const applied = await reader.readResults(sent).catch((error) => {
      log.debug({ err: error, field: sent.field }, 'receipt read failed');
      return undefined;
    });
    if (applied || isLastAttempt) return applied;
  }
}
